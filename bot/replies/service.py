"""
The verbs of saved replies: write, change, find, fill. Running macros is in `macros`, groups are in `gathering`.

Everybody's replies are changed by those with the permission `replies.change`; everybody who answers may have some
of their own. A text with a variable that does not exist is never saved, and none is ever sent by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.accounts.service import get_account
from bot.contacts.service import get_contact, identities_of
from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Invalid, NotAllowed, NotFound
from bot.core.paging import Slice
from bot.inbox.tables import Conversation
from bot.replies import store
from bot.replies.rules import ANY_LANGUAGE, ReplyWish, clean_shortcut, may_change, reply_problems, text_for
from bot.replies.tables import SavedReply
from bot.staff.rules import Permission, may
from bot.staff.service import audit
from responses.compose import Filled, fill, problems, values_of
from responses.library import StarterReply, starter_replies
from responses.suggest import SavedReply as Findable
from responses.suggest import search

TOPIC = "saved-replies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """
    A saved reply with its texts by language.
    """

    reply: SavedReply
    texts: Mapping[str, str]

    def for_language(self, language: str | None) -> tuple[str, str]:
        return text_for(self.texts, language)


async def list_saved(work: UnitOfWork, actor: Actor) -> list[Saved]:
    """
    Give what somebody can use: everybody's and their own, by shortcut.
    """
    return await _with_texts(work, await store.replies_of(work, actor.id))


async def page_of_saved(work: UnitOfWork, actor: Actor, *, limit: int, after: str | None) -> Slice[Saved]:
    """
    Give the same, a page at a time.
    """
    found = await store.list_owned(work, SavedReply, actor.id, limit=limit, after=after)
    return Slice(items=await _with_texts(work, found.items), after=found.after)


async def get_saved(work: UnitOfWork, actor: Actor, reply_id: str) -> Saved:
    """
    Give one that somebody can use.

    Raises:
        NotFound: there is none, or it is somebody else's own.
    """
    reply = await store.get_reply(work, reply_id)
    if reply.owner_id not in ("", actor.id):
        raise NotFound(f"no saved reply {reply_id[:60]!r}")
    return (await _with_texts(work, [reply]))[0]


async def create_saved(work: UnitOfWork, actor: Actor, wish: ReplyWish) -> Saved:
    """
    Keep a reply.

    Raises:
        Invalid: with the fields shortcut, title, texts, intents.
        NotAllowed: it is meant for everybody, and they may not change what everybody uses.
    """
    wish = _checked(wish)
    refuse_shared(actor, "" if wish.shared else actor.id)
    reply = SavedReply(
        id=work.new_id(),
        owner_id="" if wish.shared else actor.id,
        shortcut=wish.shortcut,
        title=wish.title,
        intents=list(wish.intents),
        created_by=actor.name,
        created_at=work.now,
        changed_at=work.now,
    )
    if not await store.insert_owned(work, reply):
        raise Invalid(fields={"shortcut": _taken(wish)})
    await store.replace_texts(work, reply.id, wish.texts)
    await audit(work, actor, "saved-reply.create", "saved-reply", reply.id, shortcut=wish.shortcut)
    work.publish(TOPIC)
    return Saved(reply=await store.get_reply(work, reply.id), texts=wish.texts)


async def change_saved(work: UnitOfWork, actor: Actor, reply_id: str, wish: ReplyWish) -> Saved:
    """
    Change a reply; whose it is stays.

    Raises:
        Invalid, NotAllowed, NotFound: as for a new one.
    """
    saved = await get_saved(work, actor, reply_id)
    refuse_shared(actor, saved.reply.owner_id)
    wish = _checked(wish)
    values = {"shortcut": wish.shortcut, "title": wish.title, "intents": list(wish.intents)}
    if not await store.change_owned(work, saved.reply, {**values, "changed_at": work.now}):
        raise Invalid(fields={"shortcut": _taken(wish)})
    await store.replace_texts(work, reply_id, wish.texts)
    await audit(work, actor, "saved-reply.change", "saved-reply", reply_id, shortcut=wish.shortcut)
    work.publish(TOPIC)
    return Saved(reply=saved.reply, texts=wish.texts)


async def delete_saved(work: UnitOfWork, actor: Actor, reply_id: str) -> None:
    """
    Forget a reply; what was sent with it stays as it was sent.
    """
    saved = await get_saved(work, actor, reply_id)
    refuse_shared(actor, saved.reply.owner_id)
    await store.delete_reply(work, saved.reply)
    await audit(work, actor, "saved-reply.delete", "saved-reply", reply_id, shortcut=saved.reply.shortcut)
    work.publish(TOPIC)


async def import_library(work: UnitOfWork, actor: Actor) -> int:
    """
    Take in the starter library, for everybody; a shortcut that is taken is left as it is. Gives how many came in.
    """
    refuse_shared(actor, "")
    by_shortcut: dict[str, list[StarterReply]] = {}
    for one in starter_replies():
        by_shortcut.setdefault(one.shortcut, []).append(one)
    taken = {reply.shortcut for reply in await store.replies_of(work, "")}
    added = [texts for shortcut, texts in by_shortcut.items() if shortcut not in taken]
    for texts in added:
        await create_saved(work, actor, _starter_wish(texts))
    return len(added)


def _starter_wish(texts: Sequence[StarterReply]) -> ReplyWish:
    first = texts[0]
    return ReplyWish(
        shortcut=first.shortcut,
        title=" / ".join(one.title for one in texts),  # found in either language
        texts={one.language: one.text for one in texts},
        intents=first.intents,
    )


async def find(
    work: UnitOfWork, actor: Actor, typed: str, *, language: str | None, limit: int = 8
) -> list[tuple[Saved, str, str]]:
    """
    Find replies by what was typed after `/`; gives each with the language and text that fit the customer.
    """
    saved = {one.reply.id: one for one in await list_saved(work, actor)}
    found = search(typed, [findable(one, language) for one in saved.values()], language=language, limit=limit)
    return [(saved[one.id], *saved[one.id].for_language(language)) for one in found]


def findable(saved: Saved, language: str | None) -> Findable:
    """
    Show a saved reply to the search, in the language that a customer would get.
    """
    chosen, text = saved.for_language(language)
    return Findable(
        id=saved.reply.id,
        title=saved.reply.title,
        shortcut=saved.reply.shortcut,
        text=text,
        language=chosen or None,
        intents=frozenset(saved.reply.intents),
        uses=saved.reply.uses,
    )


async def preview(work: UnitOfWork, actor: Actor, conversation: Conversation, text: str) -> Filled:
    """
    Fill a text for a conversation, as it would be sent by this person.
    """
    return fill(text, await values_for(work, actor, conversation))


async def use_saved(work: UnitOfWork, actor: Actor, conversation: Conversation, reply_id: str) -> Filled:
    """
    Give a saved reply filled for a conversation, for a person to read and send, and count the use.
    """
    saved = await get_saved(work, actor, reply_id)
    await store.count_use(work, SavedReply, reply_id)
    return await preview(work, actor, conversation, saved.for_language(conversation.language)[1])


async def values_for(
    work: UnitOfWork, actor: Actor, conversation: Conversation, *, next_opening: str | None = None
) -> dict[str, str | None]:
    """
    Give the value of every variable in a conversation.
    """
    account = await get_account(work, conversation.account_id)
    contact = await get_contact(work, conversation.contact_id)
    identities = await identities_of(work, conversation.contact_id)
    mine = next((one for one in identities if one.id == conversation.identity_id), None)
    return values_of(
        contact=contact.name or (mine.name if mine else ""),
        handle=mine.handle if mine else "",
        agent=actor.name,
        account=account.name,
        account_handle=account.handle,
        subject=conversation.subject,
        next_opening=next_opening,
    )


def refuse_shared(actor: Actor, owner_id: str) -> None:
    """
    Refuse whoever may not change what belongs to everybody (empty), or to somebody else.

    Raises:
        NotAllowed: with what would be needed.
    """
    if not may_change(owner_id, actor.id, changes_shared=may(actor.role, Permission.REPLIES_CHANGE)):
        needed = f"the permission {Permission.REPLIES_CHANGE.value!r}"
        raise NotAllowed(f"what everybody uses is changed with {needed}; make one of your own, or ask a lead")


def check_variables(texts: Mapping[str, str], field: str) -> None:
    """
    Refuse texts with variables that do not exist, naming them.

    Raises:
        Invalid: with the field.
    """
    if found := [problem for text in texts.values() for problem in problems(text)]:
        raise Invalid(fields={field: "; ".join(dict.fromkeys(found))})


def _checked(wish: ReplyWish) -> ReplyWish:
    cleaned = ReplyWish(
        shortcut=clean_shortcut(wish.shortcut),
        title=" ".join(wish.title.split()),
        texts={language: text.strip() for language, text in wish.texts.items() if text.strip()},
        intents=tuple(dict.fromkeys(wish.intents)),
        shared=wish.shared,
    )
    if found := reply_problems(cleaned):
        raise Invalid(fields=found)
    check_variables(cleaned.texts, "texts")
    return cleaned


def _taken(wish: ReplyWish) -> str:
    return f"/{wish.shortcut} is another reply already; choose another shortcut"


async def _with_texts(work: UnitOfWork, replies: Sequence[SavedReply]) -> list[Saved]:
    texts = await store.texts_of(work, [one.id for one in replies])
    return [Saved(reply=one, texts=texts[one.id] or {ANY_LANGUAGE: one.title}) for one in replies]
