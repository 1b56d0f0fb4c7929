"""
Macros: several things done to a conversation at once. A reply in one is shown, and may be changed, before it goes
out.

All of a macro happens or nothing: its steps are the verbs of the inbox, in one unit of work, refused as they would
refuse a person. A reply goes first and takes the end along: resolved or pending once the answer has arrived.
"""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Invalid, NotFound
from bot.core.paging import Slice
from bot.inbox import service as inbox
from bot.inbox import store as inbox_store
from bot.inbox.priorities import set_priority
from bot.inbox.rules import Promise, State
from bot.inbox.tables import Conversation
from bot.inbox.tagging import add_tags
from bot.replies import store
from bot.replies.rules import Action, ActionKind, MacroWish, macro_problems
from bot.replies.service import check_variables, preview, refuse_shared
from bot.replies.tables import Macro
from bot.staff.service import audit, get_staff
from responses import Priority
from responses.compose import Filled

TOPIC = "macros"


def actions_of(macro: Macro) -> list[Action]:
    """
    Read the steps of a macro.
    """
    return [Action.from_json(one) for one in macro.actions]


async def list_macros(work: UnitOfWork, actor: Actor) -> list[Macro]:
    """
    Give what somebody can run: everybody's and their own, by name.
    """
    return await store.macros_of(work, actor.id)


async def page_of_macros(work: UnitOfWork, actor: Actor, *, limit: int, after: str | None) -> Slice[Macro]:
    """
    Give the same, a page at a time.
    """
    return await store.list_owned(work, Macro, actor.id, limit=limit, after=after)


async def get_macro(work: UnitOfWork, actor: Actor, macro_id: str) -> Macro:
    """
    Give one that somebody can run.

    Raises:
        NotFound: there is none, or it is somebody else's own.
    """
    macro = await store.get_macro(work, macro_id)
    if macro.owner_id not in ("", actor.id):
        raise NotFound(f"no macro {macro_id[:60]!r}")
    return macro


async def create_macro(work: UnitOfWork, actor: Actor, wish: MacroWish) -> Macro:
    """
    Keep a macro.

    Raises:
        Invalid: with the fields name, actions.
        NotAllowed: it is meant for everybody, and they may not change what everybody uses.
    """
    wish = await _checked(work, wish)
    owner_id = "" if wish.shared else actor.id
    refuse_shared(actor, owner_id)
    macro = Macro(
        id=work.new_id(),
        owner_id=owner_id,
        name=wish.name,
        actions=[action.to_json() for action in wish.actions],
        created_by=actor.name,
        created_at=work.now,
        changed_at=work.now,
    )
    if not await store.insert_owned(work, macro):
        raise Invalid(fields={"name": "another macro has this name"})
    await audit(work, actor, "macro.create", "macro", macro.id, name=wish.name)
    work.publish(TOPIC)
    return await store.get_macro(work, macro.id)


async def change_macro(work: UnitOfWork, actor: Actor, macro_id: str, wish: MacroWish) -> Macro:
    """
    Change a macro; whose it is stays.
    """
    macro = await get_macro(work, actor, macro_id)
    refuse_shared(actor, macro.owner_id)
    wish = await _checked(work, wish)
    values = {"name": wish.name, "actions": [action.to_json() for action in wish.actions], "changed_at": work.now}
    if not await store.change_owned(work, macro, values):
        raise Invalid(fields={"name": "another macro has this name"})
    await audit(work, actor, "macro.change", "macro", macro_id, name=wish.name)
    work.publish(TOPIC)
    return macro


async def delete_macro(work: UnitOfWork, actor: Actor, macro_id: str) -> None:
    """
    Forget a macro; what it did stays done.
    """
    macro = await get_macro(work, actor, macro_id)
    refuse_shared(actor, macro.owner_id)
    await work.session.delete(macro)
    await audit(work, actor, "macro.delete", "macro", macro_id, name=macro.name)
    work.publish(TOPIC)


async def filled_reply(work: UnitOfWork, actor: Actor, conversation: Conversation, macro: Macro) -> Filled | None:
    """
    Give the reply of a macro as it would be sent; None when it has none.
    """
    text = next((one.value for one in actions_of(macro) if one.kind is ActionKind.REPLY), None)
    return None if text is None else await preview(work, actor, conversation, text)


async def run_macro(
    work: UnitOfWork,
    actor: Actor,
    conversation_id: str,
    macro_id: str,
    *,
    promise: Promise,
    seen: str = "",
    text: str | None = None,
) -> Macro:
    """
    Do all that a macro says, or nothing.

    Args:
        seen: the newest message that was read; asked for where the macro replies.
        text: the reply as it was read and perhaps changed; None: as the macro fills it.

    Raises:
        Conflict, Invalid: one of the steps is refused.
    """
    macro = await get_macro(work, actor, macro_id)
    async with work.savepoint():
        conversation = await inbox_store.get_conversation(work, conversation_id, lock=True)
        actions = actions_of(macro)
        replies = any(action.kind is ActionKind.REPLY for action in actions)
        if replies and text is None:
            filled = await filled_reply(work, actor, conversation, macro)
            text = filled.text if filled else ""
        for action in sorted(actions, key=lambda one: one.kind is not ActionKind.REPLY):
            if action.kind is ActionKind.REPLY:
                then = _then(actions)
                await inbox.reply(
                    work, actor, conversation_id, text=text or "", seen=seen, promise=promise, then=then
                )
            elif not (replies and action.kind in (ActionKind.PENDING, ActionKind.RESOLVE)):
                await _do(work, actor, conversation, action)
        await store.count_use(work, Macro, macro_id)
    return macro


def _then(actions: list[Action]) -> str:
    """
    Say what becomes of the conversation once a macro's reply has arrived.
    """
    ends = {ActionKind.PENDING: State.PENDING.value, ActionKind.RESOLVE: State.RESOLVED.value}
    return ends.get(actions[-1].kind, "")


async def _do(work: UnitOfWork, actor: Actor, conversation: Conversation, action: Action) -> None:
    match action.kind:
        case ActionKind.TAG:
            await add_tags(work, actor, conversation.id, [action.value])
        case ActionKind.PRIORITY:
            await set_priority(work, actor, conversation.id, Priority[action.value.upper()])
        case ActionKind.ASSIGN:
            if action.value in ("", actor.id):
                await inbox.claim(work, actor, conversation.id)
            else:
                await inbox.hand_over(work, actor, conversation.id, action.value)
        case ActionKind.SNOOZE:
            await inbox.snooze(work, actor, conversation.id, work.now + timedelta(seconds=int(action.value)))
        case ActionKind.PENDING:
            await inbox.set_pending(work, actor, conversation.id)
        case ActionKind.RESOLVE:
            await inbox.resolve(work, actor, conversation.id)
        case ActionKind.REPLY:
            raise AssertionError("a reply goes first")
        case _:
            assert_never(action.kind)


async def _checked(work: UnitOfWork, wish: MacroWish) -> MacroWish:
    actions = tuple(Action(kind=one.kind, value=one.value.strip()) for one in wish.actions)
    cleaned = MacroWish(name=" ".join(wish.name.split()), actions=actions, shared=wish.shared)
    if found := macro_problems(cleaned):
        raise Invalid(fields=found)
    check_variables({one.kind: one.value for one in actions if one.kind is ActionKind.REPLY}, "actions")
    for action in actions:
        if action.kind is ActionKind.ASSIGN and action.value:
            await _refuse_stranger(work, action.value)
    return cleaned


async def _refuse_stranger(work: UnitOfWork, staff_id: str) -> None:
    try:
        await get_staff(work, staff_id)
    except NotFound as error:
        raise Invalid(fields={"actions": "assign: there is no such colleague; choose somebody else"}) from error
