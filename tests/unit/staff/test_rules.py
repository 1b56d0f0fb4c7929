"""
The table of who may do what, and what logins, passwords and tries must be like.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import Invalid
from bot.staff.passwords import HASHER, NOBODY, check_password, prepare_password
from bot.staff.rules import (
    CHOICES,
    MAY,
    Permission,
    Presence,
    Profile,
    Role,
    clean_login,
    drifted_at,
    expiry_problem,
    first_choice,
    login_problem,
    may,
    name_problem,
    password_problem,
    presence_of,
    profile_problems,
    read_codes,
    read_validity,
    role_problem,
    wait_before_sign_in,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_every_role_has_its_row_and_an_admin_may_all() -> None:
    assert set(MAY) == set(Role)
    assert MAY[Role.ADMIN] == set(Permission)
    assert MAY[Role.AGENT] < MAY[Role.LEAD] < MAY[Role.ADMIN]
    assert MAY[Role.MARKETER] < MAY[Role.ADMIN]


def test_unknown_roles_and_permissions_open_nothing() -> None:
    assert not may("owner", Permission.OWN_SESSION)
    assert not may("", Permission.OWN_SESSION)
    assert not may("admin", "everything")
    assert may("system", Permission.STAFF_CHANGE)


@pytest.mark.parametrize("login", ["mei", "a.b-c_d+e@f", "林梅", "x" * 64, "7"])
def test_good_logins(login: str) -> None:
    assert login_problem(clean_login(login)) is None


@pytest.mark.parametrize("login", ["", " ", "a b", "a/b", "a\x00b", "<b>", "x" * 65, "a\nb"])
def test_bad_logins(login: str) -> None:
    assert login_problem(clean_login(login)) is not None


def test_one_login_has_one_form() -> None:
    assert clean_login("  Ｍei ") == clean_login("mei") == "mei"


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("short", "at least 10 characters"),
        ("x" * 201, "at most 200 characters"),
        ("Mei.Lin.2026", "must not be the name you sign in with"),
        ("correct horse", None),
        ("一二三四五六七八九十", None),
    ],
)
def test_passwords(password: str, problem: str | None) -> None:
    assert password_problem(password, "mei.lin.2026") == problem


def test_names_and_roles() -> None:
    assert name_problem("周慧") is None
    assert name_problem("  ") == "must not be empty"
    assert name_problem("x" * 101) == "at most 100 characters"
    assert role_problem("lead") is None
    assert "agent, lead, marketer, admin" in (role_problem("boss") or "")


def test_tokens_last_ten_years_at_most() -> None:
    assert read_validity(" ") is None
    assert read_validity("90d") == timedelta(days=90)
    for text in ("0s", "3651d", "99999999999d", "soon"):
        with pytest.raises(ValueError, match="must be"):
            read_validity(text)
    assert expiry_problem(None, NOW) is None
    assert expiry_problem(NOW + MINUTE, NOW) is None
    for wrong in (NOW, NOW - MINUTE, datetime.max.replace(tzinfo=UTC)):
        assert expiry_problem(wrong, NOW) is not None


@given(st.lists(st.integers(min_value=0, max_value=40), max_size=12), st.integers(min_value=1, max_value=6))
def test_a_try_is_allowed_exactly_when_fewer_than_so_many_failed(ages: list[int], attempts: int) -> None:
    failed = [NOW - age * MINUTE for age in ages]
    per = 15 * MINUTE
    wait = wait_before_sign_in(failed, attempts=attempts, per=per, now=NOW)
    recent = sum(age < 15 for age in ages)
    assert (wait is None) == (recent < attempts)
    if wait is not None:
        assert timedelta(0) < wait <= per
        assert wait_before_sign_in(failed, attempts=attempts, per=per, now=NOW + wait) is None
        just_before = NOW + wait - timedelta(microseconds=1)
        assert wait_before_sign_in(failed, attempts=attempts, per=per, now=just_before) is not None


def test_the_stand_in_hash_costs_as_much_as_a_real_one() -> None:
    assert not HASHER.check_needs_rehash(NOBODY)


async def test_an_unknown_login_takes_as_long_as_a_wrong_password() -> None:
    real = await prepare_password("a long password", "mei")

    async def fastest(kept: str | None) -> float:
        took = []
        for _ in range(3):
            begun = time.perf_counter()
            assert not (await check_password("a wrong password", kept)).right
            took.append(time.perf_counter() - begun)
        return min(took)

    known, unknown = await fastest(real), await fastest(None)
    assert unknown > known / 3


async def test_passwords_are_checked_by_their_letters() -> None:
    kept = await prepare_password("pass-wo\u0308rd-long", "mei")  # o with two dots, in two characters
    right, wrong, broken = await asyncio.gather(
        check_password("pass-w\u00f6rd-long", kept),
        check_password("pass-word-long", kept),
        check_password("pass-w\u00f6rd-long", "no hash at all"),
    )
    assert right.right
    assert right.renewed is None
    assert not wrong.right
    assert not broken.right


async def test_no_password_is_not_the_empty_password() -> None:
    assert not (await check_password("", None)).right
    with pytest.raises(Invalid) as refused:
        await prepare_password("", "mei")
    assert refused.value.fields == {"password": "at least 10 characters"}


@pytest.mark.parametrize("chosen", CHOICES)
def test_silence_is_offline_whatever_was_chosen(chosen: Presence) -> None:
    for alive_until in (None, NOW, NOW - MINUTE):
        assert presence_of(chosen, alive_until=alive_until, idle_at=None, now=NOW) is Presence.OFFLINE
    assert presence_of(chosen, alive_until=NOW + MINUTE, idle_at=None, now=NOW) is chosen


@pytest.mark.parametrize("chosen", CHOICES)
def test_who_left_the_desk_is_away_unless_they_said_otherwise(chosen: Presence) -> None:
    then = presence_of(chosen, alive_until=NOW + MINUTE, idle_at=NOW, now=NOW)
    assert then is (Presence.AWAY if chosen is Presence.HERE else chosen)


def test_time_alone_changes_a_presence_at_its_true_instant() -> None:
    silent = {"alive_until": NOW - MINUTE, "idle_at": NOW - 2 * MINUTE, "now": NOW}
    assert drifted_at("here", "here", **silent) == NOW - MINUTE
    assert drifted_at("offline", "here", **silent) is None
    idle = {"alive_until": NOW + MINUTE, "idle_at": NOW - 2 * MINUTE, "now": NOW}
    assert drifted_at("here", "here", **idle) == NOW - 2 * MINUTE
    assert drifted_at("away", "here", **idle) is None
    assert drifted_at("here", "busy", alive_until=NOW + MINUTE, idle_at=None, now=NOW) == NOW


def test_agents_come_to_work_and_others_to_look() -> None:
    assert {role: first_choice(role) for role in Role} == {
        Role.AGENT: Presence.HERE,
        Role.LEAD: Presence.AWAY,
        Role.MARKETER: Presence.AWAY,
        Role.ADMIN: Presence.AWAY,
    }


@pytest.mark.parametrize(("typed", "codes"), [("", ()), ("EN, zh;en", ("en", "zh")), (" zh-Hant\n", ("zh-hant",))])
def test_codes_are_read_as_people_type_them(typed: str, codes: tuple[str, ...]) -> None:
    assert read_codes(typed) == codes
    assert profile_problems(Profile(languages=codes)) == {}
