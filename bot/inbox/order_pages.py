"""
Order among conversations: merge, split and undo, spam, and moments in words.
"""

from __future__ import annotations

import re

from aiohttp import web

from bot.core.errors import Invalid
from bot.inbox import merging, spam, store
from bot.inbox.keys import PROMISE
from bot.inbox.moments import ZONE_COOKIE, NotUnderstood, read_moment, zone_named
from bot.inbox.views import history_row, queue_row
from bot.staff.rules import Permission
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _

READ, ANSWER = Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_ANSWER
ROWS = 50


@page("GET", "/moments", permission=READ)
async def understand(visit: Visit) -> web.StreamResponse:
    """
    Say how a moment in words is understood, while it is typed.
    """
    words, at, problem = visit.query.get("words", "")[:200], None, ""
    try:
        at = read_moment(words, now=visit.work.now, zone=zone_named(visit.request.cookies.get(ZONE_COOKIE, "")))
    except NotUnderstood as error:
        problem = str(error)
    return await visit.render("inbox/_moment.html", at=at, problem=problem if words.strip() else "")


@page("GET", "/conversations/{id}/merge", permission=ANSWER)
async def show_merge(visit: Visit) -> web.StreamResponse:
    """
    Choose the conversation that this one goes into.
    """
    listed = await store.get_listed(visit.work, visit.path["id"])
    c = listed.conversation
    others = await store.history_of(visit.work, c.contact_id, besides=c.id, limit=ROWS)
    choices = [one for one in others if one.account_id == c.account_id and one.merged_into is None]
    return await visit.render(
        "inbox/merge.html",
        conversation=queue_row(listed, "", visit.person, visit.work.now, ""),
        choices=[(one.id, history_row(one)) for one in choices],
    )


@page("POST", "/conversations/{id}/merge", permission=ANSWER)
async def merge(visit: Visit) -> web.StreamResponse:
    """
    Pour this conversation into another one.
    """
    into = _id_in(visit.form.get("other", "") or visit.form.get("into", ""))
    if not into:
        raise Invalid(fields={"into": "choose a conversation, or paste its address"})
    meant = visit.form.get("other_contact") == "yes"
    one = await merging.merge(visit.work, visit.person, visit.path["id"], into, other_contact=meant)
    return visit.go(f"/conversations/{one.id}", _("Merged. It can be undone under More."))


def _id_in(typed: str) -> str:
    # A bare id, or the address of a conversation's page as the browser shows it.
    found = re.search(r"(?:^|/conversations/)([\w-]{1,60})(?:$|[/?#])", typed.strip())
    return found[1] if found else ""


@page("GET", "/conversations/{id}/split", permission=ANSWER)
async def show_split(visit: Visit) -> web.StreamResponse:
    """
    Choose the message at which a new conversation begins.
    """
    listed = await store.get_listed(visit.work, visit.path["id"])
    found = await store.list_messages(visit.work, listed.conversation.id, limit=200, after=None)
    return await visit.render(
        "inbox/split.html",
        conversation=queue_row(listed, "", visit.person, visit.work.now, ""),
        turns=found.items[1:],
    )


@page("POST", "/conversations/{id}/split", permission=ANSWER)
async def split(visit: Visit) -> web.StreamResponse:
    """
    Move a message and what came after it into a new conversation.
    """
    promise, message_id = visit.request.app[PROMISE], visit.form.get("message_id", "")
    new = await merging.split(visit.work, visit.person, visit.path["id"], message_id, promise)
    return visit.go(f"/conversations/{new.id}", _("This is the new conversation. It can be undone under More."))


@page("POST", "/rearrangements/{id}/undo", permission=ANSWER)
async def undo(visit: Visit) -> web.StreamResponse:
    """
    Take a merge or a split back.
    """
    one = await merging.undo(visit.work, visit.person, visit.path["id"])
    return visit.go(f"/conversations/{one.id}", _("Undone: both are as they were."))


@page("POST", "/conversations/{id}/spam", permission=ANSWER)
async def mark_spam(visit: Visit) -> web.StreamResponse:
    """
    Call it spam, and what the contact writes from now on too, if that is wished.
    """
    later = visit.form.get("from_now_on") == "yes"
    await spam.mark_spam(visit.work, visit.person, visit.path["id"], from_now_on=later)
    return visit.go(f"/conversations/{visit.path['id']}", _("Marked as spam; nobody waits for an answer."))


@page("POST", "/conversations/{id}/not-spam", permission=ANSWER)
async def unmark_spam(visit: Visit) -> web.StreamResponse:
    """
    Say that it was no spam.
    """
    await spam.unmark_spam(visit.work, visit.person, visit.path["id"], visit.request.app[PROMISE])
    return visit.go(f"/conversations/{visit.path['id']}", _("Back in the queue."))


@page("GET", "/spam", permission=READ)
async def show_spam(visit: Visit) -> web.StreamResponse:
    """
    List what is spam, newest word first.
    """
    after = visit.query.get("after") or None
    found = await spam.list_spam(visit.work, limit=ROWS, after=after)
    return await visit.render(
        "inbox/spam.html",
        rows=[queue_row(one, "", visit.person, visit.work.now, "") for one in found.items],
        older=f"/spam?after={found.after}" if found.after else None,
        newest="/spam" if after else None,
    )
