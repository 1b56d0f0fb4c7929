"""
What the pane shows of an address: every value once, and links and form that lose nothing.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from hypothesis import given
from hypothesis import strategies as st

from bot.inbox.narrowing import BESIDE, FIELDS, narrowing_in
from bot.inbox.rules import Tab
from bot.inbox.selection import TABS, from_address, to_address

NAMES = ("language", "intent", "priority", "tag", "channel", "mood", "segment", "account_id", "agent")
VALUES = {
    "intent": ["question", "bug"],
    "priority": ["urgent", "low"],
    "mood": ["negative", "positive"],
}


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """
    Addresses as the queue writes them.
    """
    pairs: list[tuple[str, str]] = []
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=6)):
        pairs.append((name, draw(st.sampled_from(VALUES.get(name, ["en", "退款", "a&b=c", "x y"])))))
    pairs += draw(st.sampled_from([[], [("breached", "1")], [("q", "where is it?")], [("contact", "c-1")]]))
    selection = from_address(TABS[Tab.WAITING], pairs)
    return urlencode([("tab", "waiting"), *to_address(selection, base=TABS[Tab.WAITING])])


@given(addresses())
def test_each_value_is_shown_once_and_taken_away_alone(address: str) -> None:
    pairs = list(dict.fromkeys(parse_qsl(address)))
    found = narrowing_in(address)
    assert len({(chip.name, chip.value) for chip in found.chips}) == len(found.chips)
    for chip in found.chips:
        assert parse_qsl(chip.without) == [pair for pair in pairs if pair != (chip.name, chip.value)]
    shown = {(chip.name, chip.value) for chip in found.chips}
    rest = [pair for pair in pairs if pair not in shown]
    assert [name for name, _ in rest if name not in BESIDE] == [], "what narrows has a chip"
    assert sorted(rest) == sorted(parse_qsl(found.everything))


@given(addresses())
def test_a_form_that_is_sent_as_it_stands_changes_nothing(address: str) -> None:
    found = narrowing_in(address)
    plain = [pair for pair in parse_qsl(address) if pair in parse_qsl(found.everything)]
    empty = [(name, "") for name in FIELDS if name not in found.chosen]
    sent = [*plain, *found.kept, *found.chosen.items(), *empty]
    before = from_address(TABS[Tab.WAITING], parse_qsl(address))
    after = from_address(TABS[Tab.WAITING], sent)

    def values(name: str) -> tuple[frozenset[str], frozenset[str]]:
        return frozenset(getattr(before.conditions, name)), frozenset(getattr(after.conditions, name))

    assert all(was == now for was, now in map(values, before.conditions.__slots__))
    assert (before.text, set(before.agents), before.breached) == (after.text, set(after.agents), after.breached)
    assert before.contact_id == after.contact_id


def test_a_view_is_not_narrowed() -> None:
    found = narrowing_in("view=v-1")
    assert not found.offered
    assert not found.chips


def test_a_language_nobody_offers_is_offered_once_it_was_chosen() -> None:
    assert "eo" not in narrowing_in("tab=waiting").languages
    assert narrowing_in("tab=waiting&language=eo").languages[-1] == "eo"
