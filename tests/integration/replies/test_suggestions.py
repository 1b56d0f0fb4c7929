"""
What is suggested for a question, where it comes from, and what is forgotten again.
"""

from __future__ import annotations

from datetime import timedelta

from bot.inbox import store as inbox_store
from bot.inbox.reactions import Reaction, Reactions
from bot.replies import service
from bot.replies.suggestions import (
    REMEMBERED_KINDS,
    Memory,
    Suggested,
    remember,
    suggestions_for,
    without_names,
)
from connectors.base import Author
from tests.integration.inbox.house import KITE, REED, House

MARA = Author(key="https://far.example/users/mara", handle="mara@far.example", name="Mara Lindt")
QUESTION = "Does the green jacket run small, should I take one size up?"


async def react(house: House) -> None:
    reaction = Reaction(name="answered well", kinds=REMEMBERED_KINDS, act=remember)
    reactions = Reactions(house.database, None, [reaction])  # type: ignore[arg-type]
    while await reactions.round():
        pass


async def answered(house: House, author: Author = MARA, text: str = "Hi Mara, yes, take one size up. Ann") -> str:
    conversation_id = await house.asked(QUESTION, author)
    entry = await house.reply(conversation_id, text=text)
    await house.becomes(entry, "confirmed")
    await react(house)
    return conversation_id


async def suggested(house: House, conversation_id: str, memory: Memory | None = None) -> list[Suggested]:
    async with house.database.read() as work:
        conversation = await inbox_store.get_conversation(work, conversation_id)
        return await suggestions_for(work, house.people["ben"], conversation, memory or Memory())


async def test_what_was_answered_well_is_suggested_with_its_source_and_new_names(house: House) -> None:
    before = await answered(house)
    asked = await house.asked("Hello, does the green jacket run small? Should I take a size up?", REED)
    (one,) = await suggested(house, asked)
    assert one.old is not None
    assert (one.old.conversation_id, one.old.agent_name) == (before, "Ann")
    assert one.text == "Hi Reed, yes, take one size up. Ben"
    assert "jacket" in one.suggestion.words
    assert len(await house.messages(asked)) == 1, "nothing is sent by itself"


async def test_an_answer_that_came_late_or_from_a_machine_is_no_model(house: House) -> None:
    late = await house.asked(QUESTION, MARA)
    await house.database.clock.advance(timedelta(minutes=16))
    await house.becomes(await house.reply(late), "confirmed")
    machine = await house.asked(QUESTION, KITE)
    await house.becomes(await house.reply(machine, automatic=True), "confirmed")
    await react(house)
    asked = await house.asked(QUESTION, REED)
    assert await suggested(house, asked) == []


async def test_an_answer_is_forgotten_when_the_customer_comes_back(house: House) -> None:
    conversation_id = await house.asked(QUESTION, MARA)
    await house.becomes(await house.reply(conversation_id, then="resolved"), "confirmed")
    await react(house)
    asked, memory = await house.asked(QUESTION, REED), Memory()
    assert len(await suggested(house, asked, memory)) == 1
    root = (await house.messages(conversation_id))[0].remote_id
    assert await house.asked("That did not help", MARA, in_reply_to=(root,)) == conversation_id
    await react(house)
    assert await suggested(house, asked, memory) == [], "also where it was known already"


async def test_a_process_that_runs_learns_what_others_answer(house: House) -> None:
    asked, memory = await house.asked(QUESTION, REED), Memory()
    assert await suggested(house, asked, memory) == []
    await answered(house)
    assert len(await suggested(house, asked, memory)) == 1
    assert len(await suggested(house, asked, memory)) == 1


async def test_a_conversation_is_no_suggestion_for_itself(house: House) -> None:
    conversation_id = await answered(house)
    assert await suggested(house, conversation_id) == []


async def test_saved_replies_come_first_and_say_what_is_missing(house: House) -> None:
    async with house.database.write() as work:
        await service.import_library(work, house.people["lea"])
    asked = await house.asked("Please cancel my order, I ordered the wrong thing", MARA)
    first = (await suggested(house, asked))[0]
    assert first.saved is not None
    assert first.saved.reply.shortcut == "cancel"
    assert first.text.startswith("Hi Mara,")
    assert first.missing == ()


async def test_nothing_is_suggested_where_nothing_was_asked(house: House) -> None:
    asked = await house.asked("", MARA)
    assert await suggested(house, asked) == []


def test_names_make_way_for_variables() -> None:
    text = "Hi Mara, Mara Lindt! Maraschino is another word. Ann"
    assert without_names(text, contact="Mara Lindt", agent="Ann") == (
        'Hi {{ contact.first_name | "there" }}, {{ contact.name | "there" }}! '
        "Maraschino is another word. {{ agent.name }}"
    )
    assert without_names("Hi", contact="", agent="") == "Hi"
