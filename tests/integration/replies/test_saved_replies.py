"""
Saved replies: whose they are, what is refused, how they are filled, and that none goes out with a hole.
"""

from __future__ import annotations

import asyncio

import pytest

from bot.core.errors import Invalid, NotAllowed, NotFound
from bot.inbox import service as inbox
from bot.inbox import store as inbox_store
from bot.replies import service, store
from bot.replies.rules import ReplyWish
from bot.replies.service import Saved
from bot.replies.tables import SavedReply
from connectors.base import Author
from tests.integration.inbox.house import PROMISE, House

MARA = Author(key="https://far.example/users/mara", handle="mara@far.example", name="Mara Lindt")
GREETING = (
    "Hi {{ contact.first_name }}, {{ agent.first_name }} of {{ account.name }} here "
    'about {{ conversation.subject | "it" }}.'
)


def wish(shortcut: str = "hi", *, shared: bool = True, **texts: str) -> ReplyWish:
    return ReplyWish(shortcut=shortcut, title="Greeting", texts=texts or {"en": GREETING}, shared=shared)


async def save(house: House, who: str, wanted: ReplyWish) -> Saved:
    async with house.database.write() as work:
        return await service.create_saved(work, house.people[who], wanted)


async def shortcuts(house: House, who: str) -> list[str]:
    async with house.database.read() as work:
        return [one.reply.shortcut for one in await service.list_saved(work, house.people[who])]


async def test_everybodys_are_written_by_leads_and_ones_own_by_oneself(house: House) -> None:
    await save(house, "lea", wish("all"))
    await save(house, "ann", wish("mine", shared=False))
    with pytest.raises(NotAllowed, match=r"replies\.change"):
        await save(house, "ann", wish("more"))
    assert await shortcuts(house, "ann") == ["all", "mine"]
    assert await shortcuts(house, "ben") == ["all"]


async def test_what_is_somebody_elses_own_does_not_exist(house: House) -> None:
    mine = await save(house, "ann", wish(shared=False))
    async with house.database.write() as work:
        for who in ("ben", "lea"):
            with pytest.raises(NotFound):
                await service.get_saved(work, house.people[who], mine.reply.id)
            with pytest.raises(NotFound):
                await service.delete_saved(work, house.people[who], mine.reply.id)


async def test_a_shortcut_is_taken_once_for_everybody_and_once_for_each(house: House) -> None:
    first = await save(house, "lea", wish())
    await save(house, "ann", wish(shared=False))
    await save(house, "ben", wish(shared=False))
    with pytest.raises(Invalid, match="another reply"):
        await save(house, "lea", wish("/HI"))
    other = await save(house, "lea", wish("other"))
    async with house.database.write() as work:
        with pytest.raises(Invalid, match="another reply"):
            await service.change_saved(work, house.people["lea"], other.reply.id, wish("hi"))
        changed = await service.change_saved(work, house.people["lea"], first.reply.id, wish("hello", zh="你好"))
        assert dict(changed.texts) == {"zh": "你好"}
    async with house.database.read() as work:
        assert (await service.get_saved(work, house.people["ben"], first.reply.id)).texts == {"zh": "你好"}


async def test_a_variable_that_does_not_exist_is_named_and_nothing_is_saved(house: House) -> None:
    with pytest.raises(Invalid, match=r"there is no variable contact\.nam; did you mean contact\.name"):
        await save(house, "lea", wish(en="Hi {{ contact.nam }}"))
    assert await shortcuts(house, "lea") == []


async def test_the_starter_library_comes_in_once_and_leaves_what_is_there(house: House) -> None:
    await save(house, "lea", wish("refund", en="Ours."))
    async with house.database.write() as work:
        came = await service.import_library(work, house.people["lea"])
        again = await service.import_library(work, house.people["lea"])
        with pytest.raises(NotAllowed):
            await service.import_library(work, house.people["ann"])
    assert came >= 15
    assert again == 0
    async with house.database.read() as work:
        found = {one.reply.shortcut: one.texts for one in await service.list_saved(work, house.people["ann"])}
    assert found["refund"] == {"en": "Ours."}
    assert set(found["where"]) == {"en", "zh"}


async def test_it_is_filled_in_the_customers_language_with_their_name_and_counted(house: House) -> None:
    saved = await save(house, "lea", wish("hi", en=GREETING, zh="{{ contact.name }}，您好"))
    conversation_id = await house.asked("Where is my order? It should be here by now", MARA)
    async with house.database.write() as work:
        conversation = await inbox_store.get_conversation(work, conversation_id)
        filled = await service.use_saved(work, house.people["ann"], conversation, saved.reply.id)
    assert filled.text == "Hi Mara, Ann of shop here about it."
    assert filled.missing == ()
    async with house.database.read() as work:
        assert (await store.get_reply(work, saved.reply.id)).uses == 1


async def test_uses_at_once_are_all_counted(house: House) -> None:
    saved = await save(house, "lea", wish())

    async def use() -> None:
        async with house.database.write() as work:
            await store.count_use(work, SavedReply, saved.reply.id)

    await asyncio.gather(*(use() for _ in range(10)))
    async with house.database.read() as work:
        assert (await store.get_reply(work, saved.reply.id)).uses == 10


async def test_a_hole_never_goes_out(house: House) -> None:
    saved = await save(house, "lea", wish("about", en="About {{ conversation.subject }}: done."))
    conversation_id = await house.asked(author=MARA)
    async with house.database.write() as work:
        conversation = await inbox_store.get_conversation(work, conversation_id)
        filled = await service.use_saved(work, house.people["ann"], conversation, saved.reply.id)
        assert filled.missing == ("conversation.subject",)
        seen = conversation.newest_message_id or ""
        with pytest.raises(Invalid, match=r"write what conversation\.subject stands for"):
            await inbox.reply(
                work, house.people["ann"], conversation_id, text=filled.text, seen=seen, promise=PROMISE
            )
    assert len(await house.messages(conversation_id)) == 1


async def test_search_finds_by_shortcut_and_text_in_the_customers_language(house: House) -> None:
    async with house.database.write() as work:
        await service.import_library(work, house.people["lea"])
    async with house.database.read() as work:
        english = await service.find(work, house.people["ann"], "refu", language="en")
        chinese = await service.find(work, house.people["ann"], "退款", language="zh")
        assert (english[0][0].reply.shortcut, english[0][1]) == ("refund", "en")
        assert (chinese[0][0].reply.shortcut, chinese[0][1]) == ("refund", "zh")
        assert await service.find(work, house.people["ann"], "zzzzzzz", language="en") == []


async def test_a_deleted_one_is_gone_and_its_texts_too(house: House) -> None:
    saved = await save(house, "lea", wish())
    async with house.database.write() as work:
        await service.delete_saved(work, house.people["lea"], saved.reply.id)
    async with house.database.read() as work:
        assert (await store.texts_of(work, [saved.reply.id]))[saved.reply.id] == {}
    assert await shortcuts(house, "lea") == []
