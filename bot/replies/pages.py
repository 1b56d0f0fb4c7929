"""
The pages of saved replies, and what they lend to the composer: the list behind `/`, and suggestions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from bot.core.errors import Invalid
from bot.inbox import store as inbox_store
from bot.inbox.tables import Conversation
from bot.replies import service
from bot.replies.gathering import group_of
from bot.replies.macros import list_macros
from bot.replies.rules import ReplyWish
from bot.replies.service import Saved
from bot.replies.suggestions import MEMORY, suggestions_for
from bot.replies.views import option_view, reply_row, suggestion_view
from bot.staff.rules import Permission
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from bot.web.translations import ngettext
from responses import Intent
from responses.compose import VARIABLES, fill

ANSWER, CHANGE = Permission.CONVERSATIONS_ANSWER, Permission.REPLIES_CHANGE
BLANK_TEXTS = 2
"""Rows for further languages that the form offers."""
MOST_ROWS = 30
EXAMPLES = {variable.name: variable.example for variable in VARIABLES}


# Keeping them


@page("GET", "/saved-replies", permission=ANSWER)
async def saved_replies(visit: Visit) -> web.StreamResponse:
    """
    Show what one can use.
    """
    rows = [reply_row(one, visit.person) for one in await service.list_saved(visit.work, visit.person)]
    return await visit.render("replies/saved_replies.html", replies=rows)


@page("GET", "/saved-replies/new", permission=ANSWER)
async def new_saved_reply(visit: Visit) -> web.StreamResponse:
    """
    Show an empty form.
    """
    typed = {"shared": "yes" if visit.shell.gate.may(visit.person.role, CHANGE) else ""}
    return await _form(visit, typed=typed, texts=[("en", ""), ("zh", "")])


@page("POST", "/saved-replies", permission=ANSWER)
async def create_saved_reply(visit: Visit) -> web.StreamResponse:
    """
    Keep a reply; what is wrong with it is said beside the form.
    """
    try:
        async with visit.work.savepoint():
            saved = await service.create_saved(visit.work, visit.person, _wish(visit.form))
    except Invalid as error:
        return await _form(visit, typed=visit.form, texts=typed_texts(visit.form), error=error)
    return visit.go("/saved-replies", _("/%(shortcut)s is saved.", shortcut=saved.reply.shortcut))


@page("POST", "/saved-replies/library", permission=CHANGE)
async def take_library_in(visit: Visit) -> web.StreamResponse:
    """
    Take in the starter library.
    """
    count = await service.import_library(visit.work, visit.person)
    return visit.go("/saved-replies", ngettext("%(num)s reply came in.", "%(num)s replies came in.", count))


@page("GET", "/saved-replies/{id}", permission=ANSWER)
async def saved_reply(visit: Visit) -> web.StreamResponse:
    """
    Show one, to be changed by who may.
    """
    saved = await service.get_saved(visit.work, visit.person, visit.path["id"])
    return await _form(visit, saved=saved, typed=_typed_of(saved), texts=sorted(saved.texts.items()))


@page("POST", "/saved-replies/{id}", permission=ANSWER)
async def change_saved_reply(visit: Visit) -> web.StreamResponse:
    """
    Change one.
    """
    reply_id = visit.path["id"]
    try:
        async with visit.work.savepoint():
            saved = await service.change_saved(visit.work, visit.person, reply_id, _wish(visit.form))
    except Invalid as error:
        was = await service.get_saved(visit.work, visit.person, reply_id)
        return await _form(visit, saved=was, typed=visit.form, texts=typed_texts(visit.form), error=error)
    return visit.go("/saved-replies", _("/%(shortcut)s is saved.", shortcut=saved.reply.shortcut))


@page("POST", "/saved-replies/{id}/delete", permission=ANSWER)
async def delete_saved_reply(visit: Visit) -> web.StreamResponse:
    """
    Forget one.
    """
    await service.delete_saved(visit.work, visit.person, visit.path["id"])
    return visit.go("/saved-replies", _("Deleted. What was sent with it stays as it was sent."))


async def _form(
    visit: Visit,
    *,
    typed: Mapping[str, str],
    texts: Sequence[tuple[str, str]],
    saved: Saved | None = None,
    error: Invalid | None = None,
) -> web.StreamResponse:
    row = reply_row(saved, visit.person) if saved else None
    may_share = visit.shell.gate.may(visit.person.role, CHANGE)
    return await visit.render(
        "replies/saved_reply.html",
        status=error.status if error else 200,
        reply=row,
        typed=typed,
        texts=[*texts, *[("", "")] * BLANK_TEXTS],
        chosen=[intent for intent in Intent if typed.get(f"intent-{intent}")],
        intents=list(Intent),
        errors=error.fields if error else {},
        previews=[(language, fill(text, EXAMPLES).text) for language, text in texts if text.strip()],
        variables=VARIABLES,
        may_share=may_share,
        may_change=row.may_change if row else True,
    )


def _typed_of(saved: Saved) -> dict[str, str]:
    intents = {f"intent-{intent}": "yes" for intent in saved.reply.intents}
    return {"shortcut": saved.reply.shortcut, "title": saved.reply.title, **intents}


def typed_texts(form: Mapping[str, str]) -> list[tuple[str, str]]:
    rows = [(form.get(f"language-{at}", "").strip(), form.get(f"text-{at}", "")) for at in range(MOST_ROWS)]
    return [(language, text) for language, text in rows if language or text.strip()]


def _wish(form: Mapping[str, str]) -> ReplyWish:
    rows = [(language.lower(), text) for language, text in typed_texts(form) if text.strip()]
    languages = [language for language, _text in rows]
    if len(set(languages)) < len(languages):
        raise Invalid(fields={"texts": "a language is there twice; keep one text for each"})
    return ReplyWish(
        shortcut=form.get("shortcut", ""),
        title=form.get("title", ""),
        texts=dict(rows),
        intents=[intent for intent in Intent if form.get(f"intent-{intent}")],
        shared=form.get("shared") == "yes",
    )


# Using them


@page("GET", "/conversations/{id}/helps", permission=ANSWER)
async def helps(visit: Visit) -> web.StreamResponse:
    """
    Give what helps to write here: the search behind `/`, macros, and suggestions. The composer loads it.
    """
    return await visit.render("replies/_helps.html", **await _helps(visit))


@page("GET", "/conversations/{id}/saved-replies", permission=ANSWER)
async def choose_saved_reply(visit: Visit) -> web.StreamResponse:
    """
    Show the same on a page of its own, for browsers without scripts.
    """
    shown = await _helps(visit)
    typed = _typed(visit)
    found = await _options(visit, shown["conversation"], limit=200)
    return await visit.render("replies/choose.html", **shown, typed=typed, options=found)


@page("GET", "/conversations/{id}/saved-replies/options", permission=ANSWER)
async def saved_reply_options(visit: Visit) -> web.StreamResponse:
    """
    Give the list behind `/` for what is typed.
    """
    conversation = await inbox_store.get_conversation(visit.work, visit.path["id"])
    options = await _options(visit, conversation, limit=8)
    return await visit.render("replies/_options.html", options=options, conversation=conversation)


@page("POST", "/conversations/{id}/saved-replies/{reply_id}", permission=ANSWER)
async def use_saved_reply(visit: Visit) -> web.StreamResponse:
    """
    Fill a reply for this conversation: as JSON for the composer, else as a page where it is sent from.
    """
    conversation = await inbox_store.get_conversation(visit.work, visit.path["id"])
    filled = await service.use_saved(visit.work, visit.person, conversation, visit.path["reply_id"])
    if "application/json" in visit.request.headers.get("Accept", ""):
        return web.json_response({"text": filled.text, "missing": list(filled.missing)})
    return await visit.render(
        "replies/write.html", conversation=conversation, text=filled.text, missing=filled.missing
    )


async def _helps(visit: Visit) -> dict[str, Any]:
    conversation = await inbox_store.get_conversation(visit.work, visit.path["id"])
    found = await suggestions_for(visit.work, visit.person, conversation, visit.request.app[MEMORY])
    return {
        "conversation": conversation,
        "suggestions": [suggestion_view(one) for one in found],
        "macros": await list_macros(visit.work, visit.person),
        "alike": await group_of(visit.work, conversation.id),
    }


def _typed(visit: Visit) -> str:
    return visit.query.get("q", "")[:100].replace("\x00", "").strip()


async def _options(visit: Visit, conversation: Conversation, *, limit: int) -> list[Any]:
    values = await service.values_for(visit.work, visit.person, conversation)
    found = await service.find(
        visit.work, visit.person, _typed(visit), language=conversation.language, limit=limit
    )
    return [option_view(saved, language, fill(text, values)) for saved, language, text in found]
