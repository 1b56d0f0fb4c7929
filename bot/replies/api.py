"""
Saved replies, macros and suggestions over the API: the same verbs as the pages.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from bot.inbox import store as inbox_store
from bot.inbox.keys import PROMISE
from bot.inbox.rules import LONGEST_TEXT
from bot.replies import macros, service
from bot.replies.rules import LONGEST_TEXT as LONGEST_SAVED
from bot.replies.rules import MOST_ACTIONS, Action, ActionKind, MacroWish, ReplyWish
from bot.replies.service import Saved
from bot.replies.suggestions import MEMORY, Suggested, suggestions_for
from bot.replies.tables import Macro
from bot.staff.rules import Permission
from bot.web.operations import Body, Call, Listing, PageQuery, operation
from responses import Intent

ANSWER, CHANGE = Permission.CONVERSATIONS_ANSWER, Permission.REPLIES_CHANGE
TAG, MACROS = "saved replies", "macros"
Text = Annotated[str, StringConstraints(max_length=LONGEST_SAVED)]


class SavedReplyOut(BaseModel):
    """
    A saved reply with its texts.
    """

    id: str
    shortcut: str
    title: str
    texts: dict[str, str] = Field(description='by language; "" is for any other')
    intents: list[Intent]
    shared: bool = Field(description="false: only whoever made it sees it")
    uses: int
    used_at: datetime | None
    changed_at: datetime


class SavedReplyIn(Body):
    shortcut: str = Field(max_length=100, description="what is typed after /")
    title: str = Field(max_length=200)
    texts: dict[Annotated[str, StringConstraints(max_length=20)], Text] = Field(
        max_length=50, description='by language; "" is for any other'
    )
    intents: list[Intent] = Field(default_factory=list, max_length=20)
    shared: bool = Field(default=True, description="only looked at when it is made")


class FilledOut(BaseModel):
    """
    A text filled for a conversation, to be read before it is sent.
    """

    text: str
    missing: list[str] = Field(description="variables without a value; they still stand in the text")


class SuggestionOut(BaseModel):
    """
    A suggested answer, its source and why.
    """

    source: Literal["saved reply", "answered before"]
    saved_reply_id: str | None
    conversation_id: str | None = Field(description="where it was answered before")
    text: str
    missing: list[str]
    score: float
    words: list[str] = Field(description="shared with the question")
    same_intent: bool


class SuggestionsOut(BaseModel):
    """
    What may answer a conversation's newest message, the best first.
    """

    items: list[SuggestionOut]


class ActionBody(Body):
    kind: ActionKind
    value: str = Field(
        default="", max_length=LONGEST_SAVED, description="text, tag, priority, agent id or seconds"
    )


class MacroIn(Body):
    name: str = Field(max_length=200)
    actions: list[ActionBody] = Field(max_length=MOST_ACTIONS)
    shared: bool = Field(default=True, description="only looked at when it is made")


class MacroOut(BaseModel):
    """
    A macro and its steps.
    """

    id: str
    name: str
    actions: list[ActionBody]
    shared: bool
    uses: int
    used_at: datetime | None
    changed_at: datetime


class RunMacroIn(Body):
    seen: str = Field(default="", max_length=100, description="`newest_message_id` that was read, if it replies")
    text: str | None = Field(default=None, max_length=LONGEST_TEXT, description="the reply, if changed")


class ImportedOut(BaseModel):
    imported: int


def saved_reply_out(saved: Saved) -> SavedReplyOut:
    """
    Show a saved reply.
    """
    reply = saved.reply
    named = reply.model_dump(include={"id", "shortcut", "title", "intents", "uses", "used_at", "changed_at"})
    return SavedReplyOut(**named, texts=dict(saved.texts), shared=not reply.owner_id)


def macro_out(macro: Macro) -> MacroOut:
    """
    Show a macro.
    """
    named = macro.model_dump(include={"id", "name", "uses", "used_at", "changed_at"})
    actions = [ActionBody(kind=one.kind, value=one.value) for one in macros.actions_of(macro)]
    return MacroOut(**named, actions=actions, shared=not macro.owner_id)


def suggestion_out(one: Suggested) -> SuggestionOut:
    """
    Show a suggestion.
    """
    return SuggestionOut(
        source="saved reply" if one.saved else "answered before",
        saved_reply_id=one.saved.reply.id if one.saved else None,
        conversation_id=one.old.conversation_id if one.old else None,
        text=one.text,
        missing=list(one.missing),
        score=round(one.suggestion.score, 3),
        words=list(one.suggestion.words),
        same_intent=one.suggestion.same_intent,
    )


@operation("GET", "/saved-replies", permission=ANSWER, tag=TAG)
async def list_saved_replies(call: Call, query: PageQuery) -> Listing[SavedReplyOut]:
    """
    List saved replies that one can use: everybody's and one's own.
    """
    found = await service.page_of_saved(call.work, call.actor, limit=query.limit, after=query.after)
    return Listing(items=[saved_reply_out(one) for one in found.items], after=found.after)


@operation("POST", "/saved-replies", permission=ANSWER, tag=TAG, status=201)
async def create_saved_reply(call: Call, body: SavedReplyIn) -> SavedReplyOut:
    """
    Keep a reply, for everybody (with `replies.change`) or for oneself.
    """
    return saved_reply_out(await service.create_saved(call.work, call.actor, _wish(body)))


@operation("POST", "/saved-replies/library", permission=CHANGE, tag=TAG)
async def import_saved_replies(call: Call) -> ImportedOut:
    """
    Take in the starter library; shortcuts that are taken are left as they are.
    """
    return ImportedOut(imported=await service.import_library(call.work, call.actor))


@operation("GET", "/saved-replies/{id}", permission=ANSWER, tag=TAG)
async def read_saved_reply(call: Call, id: str) -> SavedReplyOut:
    """
    Read one saved reply.
    """
    return saved_reply_out(await service.get_saved(call.work, call.actor, id))


@operation("PUT", "/saved-replies/{id}", permission=ANSWER, tag=TAG)
async def change_saved_reply(call: Call, id: str, body: SavedReplyIn) -> SavedReplyOut:
    """
    Change a saved reply.
    """
    return saved_reply_out(await service.change_saved(call.work, call.actor, id, _wish(body)))


@operation("DELETE", "/saved-replies/{id}", permission=ANSWER, tag=TAG, status=204)
async def delete_saved_reply(call: Call, id: str) -> None:
    """
    Forget a saved reply.
    """
    await service.delete_saved(call.work, call.actor, id)


@operation("POST", "/conversations/{id}/saved-replies/{reply_id}", permission=ANSWER, tag=TAG)
async def fill_saved_reply(call: Call, id: str, reply_id: str) -> FilledOut:
    """
    Fill a saved reply for a conversation, and count the use; nothing is sent.
    """
    conversation = await inbox_store.get_conversation(call.work, id)
    filled = await service.use_saved(call.work, call.actor, conversation, reply_id)
    return FilledOut(text=filled.text, missing=list(filled.missing))


@operation("GET", "/conversations/{id}/suggestions", permission=ANSWER, tag=TAG)
async def suggest_answers(call: Call, id: str) -> SuggestionsOut:
    """
    Suggest answers to the newest message, from saved replies and from what was answered well before.
    """
    conversation = await inbox_store.get_conversation(call.work, id)
    found = await suggestions_for(call.work, call.actor, conversation, call.request.app[MEMORY])
    return SuggestionsOut(items=[suggestion_out(one) for one in found])


@operation("GET", "/macros", permission=ANSWER, tag=MACROS)
async def list_macros(call: Call, query: PageQuery) -> Listing[MacroOut]:
    """
    List macros that one can run: everybody's and one's own.
    """
    found = await macros.page_of_macros(call.work, call.actor, limit=query.limit, after=query.after)
    return Listing(items=[macro_out(one) for one in found.items], after=found.after)


@operation("POST", "/macros", permission=ANSWER, tag=MACROS, status=201)
async def create_macro(call: Call, body: MacroIn) -> MacroOut:
    """
    Keep a macro, for everybody (with `replies.change`) or for oneself.
    """
    return macro_out(await macros.create_macro(call.work, call.actor, _macro_wish(body)))


@operation("GET", "/macros/{id}", permission=ANSWER, tag=MACROS)
async def read_macro(call: Call, id: str) -> MacroOut:
    """
    Read one macro.
    """
    return macro_out(await macros.get_macro(call.work, call.actor, id))


@operation("PUT", "/macros/{id}", permission=ANSWER, tag=MACROS)
async def change_macro(call: Call, id: str, body: MacroIn) -> MacroOut:
    """
    Change a macro.
    """
    return macro_out(await macros.change_macro(call.work, call.actor, id, _macro_wish(body)))


@operation("DELETE", "/macros/{id}", permission=ANSWER, tag=MACROS, status=204)
async def delete_macro(call: Call, id: str) -> None:
    """
    Forget a macro.
    """
    await macros.delete_macro(call.work, call.actor, id)


@operation("GET", "/conversations/{id}/macros/{macro_id}", permission=ANSWER, tag=MACROS)
async def look_at_macro(call: Call, id: str, macro_id: str) -> FilledOut | None:
    """
    Give the reply that a macro would send here, to be read before; 204 when it sends none.
    """
    conversation = await inbox_store.get_conversation(call.work, id)
    macro = await macros.get_macro(call.work, call.actor, macro_id)
    filled = await macros.filled_reply(call.work, call.actor, conversation, macro)
    return FilledOut(text=filled.text, missing=list(filled.missing)) if filled else None


@operation("POST", "/conversations/{id}/macros/{macro_id}", permission=ANSWER, tag=MACROS)
async def run_macro(call: Call, id: str, macro_id: str, body: RunMacroIn) -> MacroOut:
    """
    Do all that a macro says to a conversation, or nothing.
    """
    macro = await macros.run_macro(
        call.work,
        call.actor,
        id,
        macro_id,
        promise=call.request.app[PROMISE],
        seen=body.seen,
        text=body.text,
    )
    return macro_out(macro)


def _wish(body: SavedReplyIn) -> ReplyWish:
    return ReplyWish(
        shortcut=body.shortcut, title=body.title, texts=body.texts, intents=body.intents, shared=body.shared
    )


def _macro_wish(body: MacroIn) -> MacroWish:
    actions = [Action(kind=one.kind, value=one.value) for one in body.actions]
    return MacroWish(name=body.name, actions=actions, shared=body.shared)
