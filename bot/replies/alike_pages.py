"""
The pages of alike requests: the biggest groups, one group, and the answer to all of it.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.core.errors import Invalid
from bot.inbox.keys import PROMISE
from bot.replies.answering import Answer, Outcome, answer_group
from bot.replies.gathering import Member, get_group, group_of, list_groups, members_of
from bot.staff.rules import Permission
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from bot.web.translations import ngettext

READ, ANSWER = Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_ANSWER
ROWS = 50
TAKE = "take-"
"""Fields of the members: `take-CONVERSATION` holds the newest message that was shown."""


@page("GET", "/alike", permission=READ)
async def groups(visit: Visit) -> web.StreamResponse:
    """
    Show groups of alike requests, the biggest first.
    """
    after = visit.query.get("after") or None
    found = await list_groups(visit.work, limit=ROWS, after=after)
    older = f"/alike?after={found.after}" if found.after else None
    return await visit.render(
        "replies/alike.html", groups=found.items, older=older, newer="/alike" if after else None
    )


@page("GET", "/alike/{group_id}", permission=READ)
async def group(visit: Visit) -> web.StreamResponse:
    """
    Show who waits in a group and why they are in it.
    """
    await get_group(visit.work, visit.path["group_id"])
    return await _group(visit)


@page("POST", "/alike/{group_id}", permission=ANSWER, unit="none")
async def answer(visit: Visit) -> web.StreamResponse:
    """
    Answer those chosen, each in their own conversation, and say who was left out.
    """
    seen = {name.removeprefix(TAKE): value for name, value in visit.form.items() if name.startswith(TAKE)}
    asked = Answer(text=visit.form.get("text", ""), seen=seen, then=visit.form.get("then", ""))
    async with visit.database.read() as work:
        visit._work = work
        members = {one.conversation.id: one for one in await members_of(work, visit.path["group_id"])}
    try:
        outcome = await answer_group(visit.database, visit.person, asked, visit.request.app[PROMISE])
    except Invalid as error:
        async with visit.database.read() as work:
            visit._work = work
            return await _group(visit, status=error.status, text=asked.text, error=error.detail, chosen=set(seen))
    async with visit.database.read() as work:
        visit._work = work
        return await visit.render("replies/answered.html", **_outcome(outcome, members))


@page("GET", "/conversations/{id}/alike", permission=READ)
async def alike_of(visit: Visit) -> web.StreamResponse:
    """
    Say beside a conversation how many alike ones wait; nothing where it waits alone.
    """
    return await visit.render("replies/_alike.html", found=await group_of(visit.work, visit.path["id"]))


async def _group(
    visit: Visit, *, status: int = 200, text: str = "", error: str = "", chosen: set[str] | None = None
) -> web.Response:
    found = await members_of(visit.work, visit.path["group_id"])
    rows = [
        {
            "member": one,
            "why": why(one),
            "theirs": one.conversation.agent_id not in (None, visit.person.id),
            "chosen": chosen is None or one.conversation.id in chosen,
        }
        for one in found
    ]
    return await visit.render(
        "replies/alike_group.html",
        status=status,
        group_id=visit.path["group_id"],
        rows=rows,
        text=text,
        error=error,
        may_answer=visit.shell.gate.may(visit.person.role, ANSWER),
    )


def why(member: Member) -> str:
    """
    Say why somebody is in a group.
    """
    like = member.likeness
    if not like.same:
        return _("came first; the others are compared with it")
    shares = _("shares %(shared)s of %(of)s words", shared=like.shared, of=like.of)
    if like.by_character:
        shares = _("shares %(shared)s of %(of)s characters", shared=like.shared, of=like.of)
    both = {
        "post": _("both answer the same post"),
        "intent": _("both want the same kind of thing"),
        "text": _("hardly anything else is said"),
    }
    return f"{shares}; {both[like.same]}"


def _outcome(outcome: Outcome, members: dict[str, Member]) -> dict[str, Any]:
    named = {conversation_id: one.name for conversation_id, one in members.items()}
    count = len(outcome.answered)
    return {
        "told": ngettext("%(num)s person is being answered.", "%(num)s people are being answered.", count),
        "left_out": [
            (conversation_id, named.get(conversation_id, _("somebody")), reason)
            for conversation_id, reason in outcome.left_out.items()
        ],
        "answered": [(one, named.get(one, _("somebody"))) for one in outcome.answered],
    }
