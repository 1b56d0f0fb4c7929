"""
What is sent to webhooks, how it is signed, and what follows from an answer.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from bot.webhooks.rules import (
    CHOICES,
    LONGEST_NAME,
    LONGEST_WAIT,
    MEANINGS,
    WAITS,
    Kind,
    Next,
    Said,
    State,
    after_attempt,
    headers,
    key_of,
    kinds_problem,
    name_problem,
    new_secret,
    payload,
    read_retry_after,
    shown_url,
    signature,
    wait_after,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = new_secret(b"k" * 32)
OLD = new_secret(b"o" * 32)
GIVE_UP = timedelta(days=5)


def test_the_signature_is_that_of_the_specification():
    # The example of the specification of Standard Webhooks.
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == expected


@given(st.binary(min_size=24, max_size=64), st.text(), st.uuids())
def test_a_library_that_is_not_ours_verifies_what_we_sign(key, text, webhook_id):
    now = datetime.now(UTC)
    body = json.dumps(payload(Kind.PING, now, {"text": text})).encode()
    signed = headers([new_secret(key)], str(webhook_id), body, now)
    said = Webhook(new_secret(key)).verify(body, signed)
    assert (said["type"], said["data"]) == ("ping", {"text": text})
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret(key)).verify(body + b" ", signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(body, signed)


def test_after_a_rotation_either_secret_verifies():
    body, now = b"{}", datetime.now(UTC)
    signed = headers([SECRET, OLD], "e-1", body, now)
    assert len(signed["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OLD):
        Webhook(secret).verify(body, signed)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_???", "abc"])
def test_what_is_no_secret_signs_nothing(secret):
    with pytest.raises(ValueError, match="no signing secret"):
        key_of(secret)


def test_a_payload_says_what_when_and_about_what():
    assert payload(Kind.CONVERSATION_WARNED, NOW, {"id": "c-1"}) == {
        "type": "conversation.warned",
        "timestamp": "2026-03-02T09:00:00Z",
        "data": {"id": "c-1"},
    }


def after(status: int | None = None, *, attempts: int = 1, age: timedelta = timedelta(0), retry: str = "") -> Next:
    said = Said(status=status, retry_after=retry, reason="" if status else "no answer")
    first_at = NOW - age
    return after_attempt(said, now=NOW, first_at=first_at, attempts=attempts, give_up_after=GIVE_UP, chance=0.5)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_success_is_one(status):
    assert after(status) == Next(state=State.DELIVERED, due_at=NOW)


@pytest.mark.parametrize("status", [None, 100, 301, 302, 400, 401, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status):
    then = after(status)
    assert (then.state, then.due_at) == (State.WAITING, NOW + WAITS[0])
    assert then.reason == (f"it answered {status}" if status else "no answer")


def test_gone_is_for_good():
    then = after(410)
    assert (then.state, then.gone, then.reason) == (State.FAILED, True, "it answered 410 Gone")


def test_it_is_given_up_when_the_next_attempt_would_come_too_late():
    assert after(500, attempts=20, age=GIVE_UP - WAITS[-1] - timedelta(seconds=1)).state is State.WAITING
    assert after(500, attempts=20, age=GIVE_UP - WAITS[-1]).state is State.FAILED


def test_O3_a_wait_that_the_receiver_asks_for_is_obeyed_and_holds_for_the_endpoint():
    then = after(429, retry="120")
    assert (then.due_at, then.endpoint_waits_until) == (NOW + timedelta(minutes=2),) * 2
    assert after(429, retry="1").due_at == NOW + WAITS[0]
    assert after(503, retry=format_datetime(NOW + timedelta(hours=2), usegmt=True)).due_at == NOW + timedelta(
        hours=2
    )


@pytest.mark.parametrize(
    "text", ["", "soon", "-5", "1.5", "٣", format_datetime(NOW - timedelta(hours=1), usegmt=True)]
)
def test_a_wait_that_means_nothing_is_none(text):
    assert read_retry_after(text, NOW) is None


@given(st.text() | st.integers(min_value=0).map(str))
def test_no_wait_is_longer_than_a_day(text: str):
    at = read_retry_after(text, NOW)
    assert at is None or NOW <= at <= NOW + LONGEST_WAIT


@given(st.integers(min_value=1, max_value=100), st.floats(min_value=0, max_value=1))
def test_waits_grow_and_spread_by_a_fifth(attempts: int, chance: float):
    base = WAITS[min(attempts, len(WAITS)) - 1]
    assert base * 0.8 <= wait_after(attempts, chance) <= base * 1.2


def test_names_and_kinds_are_checked():
    assert name_problem("Shop") is None
    assert name_problem("  ") == "must not be empty"
    assert name_problem("x" * (LONGEST_NAME + 1)) is not None
    assert kinds_problem(["feedback.topic"]) is None
    assert kinds_problem([]) == "choose at least one"
    assert "no 'ping'" in (kinds_problem(["feedback.topic", "ping"]) or "")


def test_every_kind_has_its_meaning():
    assert set(MEANINGS) == set(Kind) == {*CHOICES, Kind.PING}


def test_an_address_is_shown_without_what_may_be_a_secret():
    assert shown_url("https://hooks.example.com:8443/T01/B02/secret?x=y") == "https://hooks.example.com:8443"
    assert shown_url("https://ann:pw@hooks.example.com/") == "https://hooks.example.com"
