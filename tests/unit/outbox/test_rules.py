"""
The outbox's decisions, one by one and as a machine that hypothesis drives.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.outbox import rules
from bot.outbox.rules import (
    ABSENCE_COUNTS_AFTER,
    ACCOUNT_WAIT,
    ARROWS,
    FOR_A_PERSON,
    LONGEST_SERVER_WAIT,
    LOOKS,
    SETTLED,
    SHOWN,
    Limits,
    Next,
    Said,
    State,
    Tab,
    after_attempt,
    after_look,
    back_off,
    states_before,
)
from tests.fakes.clock import START

LIMITS = Limits(attempts=3, first_wait=timedelta(seconds=5), longest_wait=timedelta(minutes=15))
SECOND = timedelta(seconds=1)


def attempted(said: Said, *, attempts: int = 1, server_wait: timedelta | None = None, chance: float = 0.5) -> Next:
    return after_attempt(
        said,
        now=START,
        attempts=attempts,
        limits=LIMITS,
        reason="because",
        server_wait=server_wait,
        chance=chance,
    )


def looked(
    said: Said, *, since_unknown: timedelta = ABSENCE_COUNTS_AFTER, looks: int = 1, attempts: int = 1
) -> Next:
    return after_look(
        said,
        now=START,
        unknown_at=START - since_unknown,
        looks=looks,
        attempts=attempts,
        limits=LIMITS,
        reason="because",
    )


def test_a_receipt_confirms():
    assert attempted(Said.SENT).state is State.CONFIRMED
    assert looked(Said.SENT).state is State.CONFIRMED


def test_O3_what_is_refused_for_good_is_not_tried_again():
    assert attempted(Said.REFUSED) == Next(state=State.REFUSED, due_at=START, reason="because")


def test_O1_a_lost_answer_is_looked_for_before_anything_else():
    assert attempted(Said.LOST) == Next(state=State.UNKNOWN, due_at=START + LOOKS[0], reason="because")


def test_lost_access_costs_no_attempt():
    then = attempted(Said.NO_ACCESS, attempts=LIMITS.attempts)
    assert (then.state, then.due_at, then.counts) == (State.PREPARED, START + ACCOUNT_WAIT, False)


def test_O3_trouble_is_waited_out_and_the_budget_ends_it():
    assert attempted(Said.WAIT, attempts=2).state is State.PREPARED
    given_up = attempted(Said.WAIT, attempts=3)
    assert given_up.state is State.REFUSED
    assert given_up.reason == "gave up after 3 attempts: because"


def test_one_attempt_is_not_called_attempts():
    one = Limits(attempts=1, first_wait=SECOND, longest_wait=SECOND)
    then = after_attempt(Said.WAIT, now=START, attempts=1, limits=one, reason="x", server_wait=None, chance=0)
    assert then.reason == "gave up after 1 attempt: x"


@pytest.mark.parametrize(
    ("server_wait", "expected"),
    [
        (None, 5 * SECOND),
        (timedelta(0), 5 * SECOND),
        (3 * SECOND, 5 * SECOND),
        (timedelta(hours=2), timedelta(hours=2)),
        (timedelta(days=10**6), LONGEST_SERVER_WAIT),
    ],
)
def test_O3_the_servers_wait_is_obeyed_but_ours_is_the_least(server_wait, expected):
    assert attempted(Said.WAIT, server_wait=server_wait).due_at == START + expected


def test_O3_a_servers_wait_is_for_the_whole_account():
    assert attempted(Said.WAIT).account_waits_until is None
    assert attempted(Said.WAIT, server_wait=40 * SECOND).account_waits_until == START + 40 * SECOND


@given(attempts=st.integers(1, 10_000), chance=st.floats(0, 1))
def test_waits_double_up_to_the_longest_and_are_spread_by_a_fifth(attempts, chance):
    plain = min(LIMITS.first_wait * 2 ** min(attempts - 1, 30), LIMITS.longest_wait)
    assert 0.8 * plain <= back_off(attempts, LIMITS, chance) <= 1.2 * plain


@pytest.mark.parametrize("said", [Said.ABSENT, Said.UNSURE])
def test_an_attempt_cannot_come_to_what_only_a_look_can(said):
    with pytest.raises(ValueError, match="attempt"):
        attempted(said)


def test_absence_proves_nothing_while_the_server_may_still_be_working():
    early = looked(Said.ABSENT, since_unknown=ABSENCE_COUNTS_AFTER - 1 * SECOND, looks=6)
    assert (early.state, early.due_at) == (State.UNKNOWN, START + 1 * SECOND)
    assert looked(Said.ABSENT, since_unknown=2 * SECOND, looks=1).due_at == START + LOOKS[1]


def test_what_certainly_is_not_there_is_sent_again_until_the_budget_ends():
    assert looked(Said.ABSENT).state is State.PREPARED
    ended = looked(Said.ABSENT, attempts=3)
    assert ended.state is State.REFUSED
    assert "not there" in ended.reason


@pytest.mark.parametrize("said", [Said.UNSURE, Said.REFUSED])
def test_what_no_look_can_tell_waits_for_a_person(said):
    assert looked(said) == Next(state=State.UNKNOWN, due_at=FOR_A_PERSON, reason="because")


@pytest.mark.parametrize("said", [Said.WAIT, Said.LOST])
@pytest.mark.parametrize(("looks", "wait"), [(1, LOOKS[1]), (6, LOOKS[6]), (7, LOOKS[-1]), (999, LOOKS[-1])])
def test_a_look_that_failed_is_made_again_ever_more_seldom(said, looks, wait):
    assert looked(said, looks=looks) == Next(state=State.UNKNOWN, due_at=START + wait, reason="because")


def test_without_access_nobody_can_look():
    assert looked(Said.NO_ACCESS).due_at == START + ACCOUNT_WAIT


def test_every_state_is_on_a_tab_and_undelivered_means_what_it_says():
    assert frozenset().union(*SHOWN.values()) == frozenset(State)
    assert SHOWN[Tab.UNDELIVERED] == frozenset(State) - {State.CONFIRMED, State.CANCELLED}
    assert set(SHOWN) == set(Tab)


def test_O5_nothing_leaves_what_is_confirmed_or_cancelled():
    assert not {was for was, _ in ARROWS} & {State.CONFIRMED, State.CANCELLED}


def test_only_a_prepared_entry_is_ever_attempted():
    assert states_before(State.ATTEMPTING) == {State.PREPARED}


def test_the_arrows_are_drawn_as_they_are_wherever_they_are_drawn():
    page = Path(__file__).parents[3].joinpath("docs/explanation/at-most-once.md").read_text("utf-8")
    drawn = {(State(was), State(to)) for was, to in re.findall(r"^ +([a-z]+) --> ([a-z]+)$", page, re.MULTILINE)}
    assert drawn == ARROWS

    told = re.findall(r"^    ([a-z, ]+?) +-> ([a-z]+)", rules.__doc__ or "", re.MULTILINE)
    assert {(State(was), State(to)) for several, to in told for was in several.split(", ")} == ARROWS


class Sending(RuleBasedStateMachine):
    """
    One entry, a channel that does anything, workers that die anywhere, a person who presses any button.

    The person is careful: says "send again" only when it is not there. What is promised: never two copies, no step
    without an arrow, and it always ends: settled, or in front of a person.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.state = State.PREPARED
        self.due_at = START
        self.attempts = self.looks = self.copies = 0
        self.unknown_at = START
        self.will_show_at = START  # a server shows what it took with a lag, below ABSENCE_COUNTS_AFTER

    def become(self, to: State) -> None:
        assert to is self.state or (self.state, to) in ARROWS, (self.state, to)
        if to is State.UNKNOWN and self.state is not State.UNKNOWN:
            self.unknown_at = self.now
        self.state = to

    def follow(self, then: Next) -> None:
        self.become(then.state)
        assert then.due_at >= self.now
        assert then.reason or then.state is State.CONFIRMED
        self.due_at = then.due_at
        self.attempts -= not then.counts

    def deliver(self, lag: int) -> None:
        self.copies += 1
        self.will_show_at = self.now + lag * SECOND

    @precondition(lambda self: self.state is State.PREPARED)
    @rule(
        said=st.sampled_from([Said.SENT, Said.REFUSED, Said.WAIT, Said.NO_ACCESS, Said.LOST]),
        lost_on_the_way_back=st.booleans(),
        lag=st.integers(0, 29),
        wait=st.none() | st.timedeltas(timedelta(0), timedelta(days=60)),
        chance=st.floats(0, 1),
    )
    def attempt(self, said, lost_on_the_way_back, lag, wait, chance):
        self.now = max(self.now, self.due_at)
        self.become(State.ATTEMPTING)
        self.attempts, self.looks = self.attempts + 1, 0
        if said is Said.SENT or (said is Said.LOST and lost_on_the_way_back):
            self.deliver(lag)
        self.follow(
            after_attempt(
                said,
                now=self.now,
                attempts=self.attempts,
                limits=LIMITS,
                reason="because",
                server_wait=wait,
                chance=chance,
            )
        )

    @precondition(lambda self: self.state is State.PREPARED)
    @rule(delivered=st.booleans(), lag=st.integers(0, 29))
    def die(self, delivered, lag):
        self.now = max(self.now, self.due_at)
        self.become(State.ATTEMPTING)
        self.attempts, self.looks = self.attempts + 1, 0
        if delivered:
            self.deliver(lag)
        self.now += timedelta(minutes=1)  # the lease runs out
        self.become(State.UNKNOWN)
        self.due_at = self.now + LOOKS[0]

    @precondition(lambda self: self.state is State.UNKNOWN and self.due_at < FOR_A_PERSON)
    @rule(trouble=st.none() | st.sampled_from([Said.WAIT, Said.NO_ACCESS, Said.UNSURE]))
    def look(self, trouble):
        self.now = max(self.now, self.due_at)
        self.looks += 1
        seen = Said.SENT if self.copies and self.now >= self.will_show_at else Said.ABSENT
        self.follow(
            after_look(
                trouble or seen,
                now=self.now,
                unknown_at=self.unknown_at,
                looks=self.looks,
                attempts=self.attempts,
                limits=LIMITS,
                reason="because",
            )
        )

    @precondition(lambda self: self.state is State.UNKNOWN)
    @rule()
    def a_person_settles(self):
        self.now += timedelta(hours=1)
        self.become(State.CONFIRMED if self.copies else State.PREPARED)
        self.due_at, self.attempts = self.now, 0

    @precondition(lambda self: self.state is State.PREPARED)
    @rule(to=st.sampled_from([State.CANCELLED, State.REFUSED, State.HELD]))
    def it_is_taken_back_or_missed_or_held(self, to):
        self.become(to)

    @precondition(lambda self: self.state in (State.REFUSED, State.HELD))
    @rule()
    def a_person_lets_it_go(self):
        self.become(State.PREPARED)
        self.due_at, self.attempts = self.now, 0

    @rule(by=st.timedeltas(timedelta(0), timedelta(days=1)))
    def time_passes(self, by):
        self.now += by

    @invariant()
    def never_two_copies(self):
        assert self.copies <= 1

    @invariant()
    def the_word_is_true(self):
        if self.state is State.CONFIRMED:
            assert self.copies == 1
        if self.state in (State.REFUSED, State.CANCELLED, State.PREPARED, State.HELD):
            assert self.copies == 0

    def teardown(self):
        """
        Left alone, it ends: the channel answers nothing useful any more, and nobody presses a button.
        """
        for _ in range(100):
            if self.state in SETTLED or self.state is State.HELD or self.due_at >= FOR_A_PERSON:
                return
            if self.state is State.PREPARED:
                self.attempt(Said.WAIT, False, 0, None, 0.5)
            else:
                self.look(None)
        raise AssertionError(f"still {self.state} after 100 steps")


TestSending = Sending.TestCase
TestSending.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
