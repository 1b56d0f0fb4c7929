"""
What the templates of replies show: values made from rows. Pure but for the rows they are made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.actor import Actor
from bot.replies.rules import may_change
from bot.replies.service import Saved
from bot.replies.suggestions import Suggested
from bot.staff.rules import Permission, may
from responses.compose import Filled

SNIPPET = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRow:
    """
    A saved reply in the list.
    """

    id: str
    url: str
    shortcut: str
    title: str
    snippet: str
    languages: Sequence[str]
    shared: bool
    uses: int
    used_at: datetime | None
    may_change: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionView:
    """
    A saved reply in the list behind `/`, as it would be inserted.
    """

    id: str
    shortcut: str
    title: str
    text: str
    language: str
    missing: Sequence[str]
    shared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionView:
    """
    A suggested answer, its source and why.

    Args:
        reply_id: the saved reply it is; None for an answer of old.
        old_url, old_agent, old_at: where an answer of old was given.
    """

    text: str
    missing: Sequence[str]
    words: Sequence[str]
    same_intent: bool
    reply_id: str | None
    title: str
    shortcut: str
    old_url: str
    old_agent: str
    old_at: datetime | None


def reply_row(saved: Saved, person: Actor) -> ReplyRow:
    """
    Show a saved reply as a row.
    """
    reply = saved.reply
    changes_shared = may(person.role, Permission.REPLIES_CHANGE)
    return ReplyRow(
        id=reply.id,
        url=f"/saved-replies/{reply.id}",
        shortcut=reply.shortcut,
        title=reply.title,
        snippet=_line(saved.for_language(None)[1]),
        languages=[language for language in sorted(saved.texts) if language],
        shared=not reply.owner_id,
        uses=reply.uses,
        used_at=reply.used_at,
        may_change=may_change(reply.owner_id, person.id, changes_shared=changes_shared),
    )


def option_view(saved: Saved, language: str, filled: Filled) -> OptionView:
    """
    Show a saved reply as something to choose.
    """
    return OptionView(
        id=saved.reply.id,
        shortcut=saved.reply.shortcut,
        title=saved.reply.title,
        text=filled.text,
        language=language,
        missing=filled.missing,
        shared=not saved.reply.owner_id,
    )


def suggestion_view(one: Suggested) -> SuggestionView:
    """
    Show a suggestion.
    """
    reply, old = one.saved.reply if one.saved else None, one.old
    return SuggestionView(
        text=one.text,
        missing=one.missing,
        words=one.suggestion.words,
        same_intent=one.suggestion.same_intent,
        reply_id=reply.id if reply else None,
        title=reply.title if reply else "",
        shortcut=reply.shortcut if reply else "",
        old_url=f"/conversations/{old.conversation_id}" if old else "",
        old_agent=old.agent_name if old else "",
        old_at=old.at if old else None,
    )


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SNIPPET else line[: SNIPPET - 1].rstrip() + "…"
