"""
Options of channels: read from text, parted from credentials, described for forms.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Literal

import pytest
from pydantic import BaseModel, Field, SecretStr

import connectors.email
import connectors.mastodon
from bot.accounts.options import describe, part, read_options, restore_options, secret_names, shown
from bot.core.errors import Invalid
from connectors.registry import Channel
from tests.fakes.channel import FakeServer
from tests.fakes.clock import START

CHANNEL = FakeServer().channel()
GIVEN = {"server": "https://example.social", "token": "t-1"}


class Mood(StrEnum):
    CALM = "calm"
    LOUD = "loud"


class Odd(BaseModel):
    """
    Every kind of field.
    """

    mood: Mood = Field(default=Mood.CALM, title="How it feels")
    size: Literal["s", "m"] | None = None
    port: int | None = None
    spare: SecretStr | None = None


ODD = Channel(name="odd", title="Odd", options=Odd, open=lambda options, session: None)  # type: ignore[arg-type, return-value]


def test_an_account_begins_now_unless_told_otherwise() -> None:
    assert read_options(CHANNEL, GIVEN, now=START).hear_since == START
    earlier = {**GIVEN, "hear_since": "2026-03-01T00:00:00Z"}
    assert read_options(CHANNEL, earlier, now=START).hear_since < START
    assert not hasattr(read_options(ODD, {}, now=START), "hear_since")


def test_text_becomes_lists_and_truth_values_and_empty_means_not_given() -> None:
    options = read_options(CHANNEL, {**GIVEN, "folders": "INBOX, Sales  Help", "loud": "yes"}, now=START)
    assert (options.folders, options.loud) == (("INBOX", "Sales", "Help"), True)
    assert read_options(CHANNEL, {**GIVEN, "folders": " "}, now=START).folders == ("INBOX",)
    assert read_options(CHANNEL, {**GIVEN, "folders": ["a b"]}, now=START).folders == ("a b",)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"server": "x"}, "token"),
        ({**GIVEN, "typo": "1"}, "typo"),
        ({**GIVEN, "hear_since": (START + timedelta(days=1)).isoformat()}, "hear_since"),
        ({**GIVEN, "hear_since": "1999-12-31T00:00:00Z"}, "hear_since"),
        ({**GIVEN, "token": {"deep": 1}}, "token"),
    ],
)
def test_what_is_wrong_is_named_by_field_and_never_repeated(given: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_options(CHANNEL, given, now=START)
    assert list(caught.value.fields) == [field]
    assert "t-1" not in str(caught.value)


def test_credentials_are_parted_and_come_together_again() -> None:
    options = read_options(CHANNEL, GIVEN, now=START)
    parted = part(options)
    assert parted.secret == {"token": "t-1"}
    assert "token" not in parted.plain
    assert restore_options(CHANNEL, {**parted.plain, **parted.secret}) == options
    assert part(Odd()).secret == {}


def test_every_kind_of_field_is_described() -> None:
    kinds = {field.name: (field.label, field.kind, field.default, field.choices) for field in describe(Odd)}
    assert kinds == {
        "mood": ("How it feels", "select", "calm", ("calm", "loud")),
        "size": ("Size", "select", "", ("s", "m")),
        "port": ("Port", "number", "", ()),
        "spare": ("Spare", "password", "", ()),
    }


@pytest.mark.parametrize(
    "channel", [connectors.mastodon.channel, connectors.email.channel], ids=lambda one: one.name
)
def test_real_channels_can_be_described_and_hide_their_credentials(channel: Channel) -> None:
    secret = secret_names(channel.options)
    assert secret
    assert {field.name for field in describe(channel.options) if field.kind == "password"} == secret
    assert all(field.hint for field in describe(channel.options)), "each option says what it is for"
    assert "hear_since" in channel.options.model_fields


@pytest.mark.parametrize(
    ("value", "expected"), [(None, ""), (True, "yes"), (False, ""), (["a", "b"], "a, b"), (993, "993"), ("x", "x")]
)
def test_stored_options_are_shown_so_that_they_can_be_read_back(value: object, expected: str) -> None:
    assert shown(value) == expected
