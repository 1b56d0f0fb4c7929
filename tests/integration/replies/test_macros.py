"""
Macros: all of it or nothing, with the verbs of the inbox.
"""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.errors import Conflict, Invalid, NotAllowed, NotFound
from bot.inbox import store as inbox_store
from bot.outbox.service import entries_of
from bot.replies import macros
from bot.replies.rules import Action, ActionKind, MacroWish
from bot.replies.tables import Macro
from tests.integration.inbox.house import PROMISE, REED, House

TAG = Action(kind=ActionKind.TAG, value="refund")
HIGH = Action(kind=ActionKind.PRIORITY, value="urgent")
RESOLVE = Action(kind=ActionKind.RESOLVE)
REPLY = Action(kind=ActionKind.REPLY, value="Hi {{ contact.name }}, done.")


async def make(
    house: House, *actions: Action, who: str = "lea", name: str = "Close", shared: bool = True
) -> Macro:
    async with house.database.write() as work:
        wish = MacroWish(name=name, actions=actions, shared=shared)
        return await macros.create_macro(work, house.people[who], wish)


async def run(house: House, macro: Macro, conversation_id: str, who: str = "ann", **more: Any) -> None:
    async with house.database.write() as work:
        seen = (await inbox_store.get_conversation(work, conversation_id)).newest_message_id or ""
        await macros.run_macro(
            work,
            house.people[who],
            conversation_id,
            macro.id,
            promise=PROMISE,
            **{"seen": seen, **more},
        )


async def tags(house: House, conversation_id: str) -> list[str]:
    async with house.database.read() as work:
        return list((await inbox_store.tags_of(work, [conversation_id])).get(conversation_id, ()))


async def test_it_does_one_after_the_other(house: House) -> None:
    macro = await make(house, TAG, HIGH, Action(kind=ActionKind.ASSIGN), RESOLVE)
    conversation_id = await house.asked()
    await run(house, macro, conversation_id)
    seen = await house.see(conversation_id)
    assert (seen.priority, seen.agent_name, seen.state) == (0, "Ann", "resolved")
    assert await tags(house, conversation_id) == ["refund"]
    async with house.database.read() as work:
        assert (await macros.get_macro(work, house.people["ben"], macro.id)).uses == 1


async def test_a_reply_goes_out_and_the_end_waits_for_it_to_arrive(house: House) -> None:
    macro = await make(house, TAG, REPLY, RESOLVE)
    conversation_id = await house.asked(author=REED)
    await run(house, macro, conversation_id)
    sent = (await house.messages(conversation_id))[-1]
    assert (sent.text, sent.then) == ("Hi Reed, done.", "resolved")
    assert (await house.see(conversation_id)).state == "open", "the clock still runs until it has arrived"
    async with house.database.read() as work:
        entry = (await entries_of(work, "conversation", conversation_id))[-1]
    await house.becomes(entry, "confirmed")
    assert (await house.see(conversation_id)).state == "resolved"


async def test_what_was_changed_in_the_preview_is_what_goes_out(house: House) -> None:
    macro = await make(house, REPLY)
    conversation_id = await house.asked()
    await run(house, macro, conversation_id, text="Something else.")
    assert (await house.messages(conversation_id))[-1].text == "Something else."


@pytest.mark.parametrize("ending", [Action(kind=ActionKind.PENDING), Action(kind=ActionKind.SNOOZE, value="3600")])
async def test_it_can_wait_for_the_customer_or_for_a_moment(house: House, ending: Action) -> None:
    macro = await make(house, ending)
    conversation_id = await house.asked()
    await run(house, macro, conversation_id)
    assert (await house.see(conversation_id)).state == {"pending": "pending", "snooze": "snoozed"}[ending.kind]


async def test_what_is_refused_leaves_nothing_done(house: House) -> None:
    macro = await make(house, TAG, HIGH, REPLY)
    conversation_id = await house.asked()
    with pytest.raises(Conflict, match="newer message"):
        await run(house, macro, conversation_id, seen="an older one")
    await run(house, await make(house, Action(kind=ActionKind.ASSIGN), name="Take"), conversation_id, who="ben")
    with pytest.raises(Conflict, match="Ben has claimed"):
        await run(house, macro, conversation_id, who="ann")
    assert await tags(house, conversation_id) == []
    assert len(await house.messages(conversation_id)) == 1


async def test_it_hands_over_to_a_colleague(house: House) -> None:
    macro = await make(house, Action(kind=ActionKind.ASSIGN, value=house.people["ben"].id))
    conversation_id = await house.asked()
    await run(house, macro, conversation_id)
    assert (await house.see(conversation_id)).agent_name == "Ben"


async def test_what_cannot_work_is_not_saved(house: House) -> None:
    for actions, said in (
        ((), "at least one"),
        ((Action(kind=ActionKind.REPLY, value="{{ x }}"),), "no variable x"),
        ((Action(kind=ActionKind.ASSIGN, value="nobody"),), "no such colleague"),
    ):
        with pytest.raises(Invalid, match=said):
            await make(house, *actions)
    await make(house, RESOLVE)
    with pytest.raises(Invalid, match="another macro"):
        await make(house, RESOLVE)
    with pytest.raises(NotAllowed):
        await make(house, RESOLVE, who="ann", name="Ann's for everybody")


async def test_ones_own_macro_is_seen_changed_and_run_by_oneself_only(house: House) -> None:
    macro = await make(house, RESOLVE, who="ann", shared=False)
    conversation_id = await house.asked()
    with pytest.raises(NotFound):
        await run(house, macro, conversation_id, who="ben")
    async with house.database.write() as work:
        wish = MacroWish(name="Mine", actions=(TAG,))
        await macros.change_macro(work, house.people["ann"], macro.id, wish)
    await run(house, macro, conversation_id, who="ann")
    assert await tags(house, conversation_id) == ["refund"]
    async with house.database.write() as work:
        await macros.delete_macro(work, house.people["ann"], macro.id)
    async with house.database.read() as work:
        assert await macros.list_macros(work, house.people["ann"]) == []
