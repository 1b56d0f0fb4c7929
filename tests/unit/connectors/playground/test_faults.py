"""
Which request a fault hits.
"""

from __future__ import annotations

import pytest

from connectors.playground.faults import BadFault, Fault, FaultKind, Faults, fault_from


def strikes(faults, calls, *, method="GET", path="/api/v1/notifications", account="shop"):
    return [faults.strike(method=method, path=path, account=account) is not None for _ in range(calls)]


def test_a_fault_strikes_as_often_as_it_says_after_the_skipped_ones():
    faults = Faults(1)
    faults.arm(FaultKind.SERVER_ERROR, times=2, skip=1)
    assert strikes(faults, 5) == [False, True, True, False, False]
    assert faults.listing()[0]["hits"] == 2


def test_a_fault_from_now_on_never_ends_until_cleared():
    faults = Faults(1)
    faults.arm(FaultKind.UNAUTHORIZED, times=None)
    assert all(strikes(faults, 50))
    faults.clear()
    assert not any(strikes(faults, 5))


@pytest.mark.parametrize(
    ("scope", "hit"),
    [
        ({}, True),
        ({"method": "POST"}, False),
        ({"path": "/api/v1/statuses*"}, False),
        ({"path": "*notif*"}, True),
        ({"account": "shop"}, True),
        ({"account": "other"}, False),
    ],
)
def test_the_scope_of_a_fault(scope, hit):
    faults = Faults(1)
    faults.arm(FaultKind.SERVER_ERROR, **scope)
    assert strikes(faults, 1) == [hit]


def test_chances_are_the_same_for_the_same_seed():
    def run(seed):
        faults = Faults(seed)
        faults.arm(FaultKind.SERVER_ERROR, times=None, probability=0.3)
        return strikes(faults, 200)

    assert run(7) == run(7)
    assert run(7) != run(8)
    assert 30 < sum(run(7)) < 90


def test_the_first_that_fits_goes_first():
    faults = Faults(1)
    faults.arm(FaultKind.SERVER_ERROR, times=1)
    faults.arm(FaultKind.THROTTLE, times=1)
    kinds = [faults.strike(method="GET", path="/api/x", account=None) for _ in range(3)]
    assert [each.kind if each else None for each in kinds] == [FaultKind.SERVER_ERROR, FaultKind.THROTTLE, None]


def test_a_fault_is_read_from_json():
    fault = fault_from({"kind": "hang_after", "method": "POST", "times": None, "seconds": 5})
    assert fault == Fault(kind=FaultKind.HANG_AFTER, method="POST", times=None, seconds=5)


@pytest.mark.parametrize(
    "said",
    [
        [],
        {},
        {"kind": "gremlin"},
        {"kind": "throttle", "colour": "red"},
        {"kind": "throttle", "times": "two"},
        {"kind": "throttle", "times": True},
    ],
)
def test_what_is_no_fault_is_refused(said):
    with pytest.raises(BadFault):
        fault_from(said)


def test_reordering_changes_the_order_and_nothing_else():
    faults = Faults(1)
    mixed = faults.shuffled([1, 2, 3])
    assert mixed != [1, 2, 3]
    assert sorted(mixed) == [1, 2, 3]
    assert faults.shuffled([1]) == [1]
    assert faults.shuffled([1, 1]) == [1, 1]
