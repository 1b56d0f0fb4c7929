"""
The queue page and the conversation page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from bot.accounts.service import get_account
from bot.accounts.tables import Account
from bot.contacts.service import get_contact, identities_of
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, Invalid
from bot.inbox import dispatch, service, store
from bot.inbox.drafts import DraftKind, drafts_in
from bot.inbox.keys import PROMISE, reach_of
from bot.inbox.looking import onlookers
from bot.inbox.merging import last_rearrangement
from bot.inbox.moments import ZONE_COOKIE, NotUnderstood, read_moment, zone_named
from bot.inbox.order_tables import Draft
from bot.inbox.queue import queue_page
from bot.inbox.rules import LONGEST_SNOOZE
from bot.inbox.team import Member, team_now
from bot.inbox.timeline import entry_of
from bot.inbox.views import Colleague, ConversationPage, contact_view, conversation_page, history_row
from bot.outbox.service import entries_of
from bot.staff.rules import Permission
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from bot.web.translations import said

READ, ANSWER = Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_ANSWER


@page("GET", "/queue", permission=READ)
async def queue(visit: Visit) -> web.StreamResponse:
    """
    Show what waits, most urgent first.
    """
    return await visit.render("inbox/queue.html", queue=await queue_page(visit))


@page("GET", "/queue/list", permission=READ)
async def queue_list(visit: Visit) -> web.StreamResponse:
    """
    Give the list alone, for live pages.
    """
    shown = await queue_page(visit, current=visit.query.get("current", ""))
    return await visit.render("inbox/_queue_list.html", queue=shown)


@page("GET", "/queue/next", permission=READ)
async def about_next(visit: Visit) -> web.StreamResponse:
    """
    Go to the queue: a link that is only looked at must not claim anything.
    """
    return visit.go("/queue", _("Press Next, and the most urgent conversation that fits is yours."))


@page("POST", "/queue/next", permission=ANSWER)
async def take_next(visit: Visit) -> web.StreamResponse:
    """
    Claim the most urgent conversation that fits, and go to it.
    """
    try:
        taken = await dispatch.claim_next(visit.work, visit.person, reach_of(visit.request))
    except Conflict as error:
        return visit.go("/queue?tab=mine", said(error.detail), "warning")
    if taken is None:
        return visit.go("/queue", _("Nothing waits that nobody has and that you take."))
    return visit.go(f"/conversations/{taken.id}")


@page("GET", "/conversations/{id}", permission=READ)
async def conversation(visit: Visit) -> web.StreamResponse:
    """
    Show one conversation beside the queue.
    """
    return await _show(visit)


@page("GET", "/conversations/{id}/timeline", permission=READ)
async def timeline(visit: Visit) -> web.StreamResponse:
    """
    Give the timeline alone, for live pages.
    """
    shown = await _conversation(visit, draft="")
    return await visit.render("inbox/_timeline.html", conversation=shown)


@page("POST", "/conversations/{id}/reply", permission=ANSWER)
async def reply(visit: Visit) -> web.StreamResponse:
    """
    Answer; when that cannot be, show the page again with why, and with the text that was typed.
    """
    text = visit.form.get("text", "")
    try:
        # What a refused reply has begun is undone, and the page can still be shown.
        async with visit.work.savepoint():
            await service.reply(
                visit.work,
                visit.person,
                visit.path["id"],
                text=text,
                seen=visit.form.get("seen", ""),
                seen_answer=visit.form.get("seen_answer", "")[:100],
                then=visit.form.get("then", ""),
                promise=visit.request.app[PROMISE],
            )
    except (Conflict, Invalid) as error:
        messages = [{"level": "error", "text": error.detail}]
        return await _show(visit, draft=text, status=error.status, messages=messages)
    return _back(visit, "")


@page("POST", "/conversations/{id}/note", permission=ANSWER)
async def note(visit: Visit) -> web.StreamResponse:
    """
    Write an internal note.
    """
    await service.add_note(visit.work, visit.person, visit.path["id"], visit.form.get("text", ""))
    return _back(visit, _("Note saved."))


@page("POST", "/conversations/{id}/hand-over", permission=ANSWER)
async def hand_over(visit: Visit) -> web.StreamResponse:
    """
    Give it to a colleague.
    """
    to = visit.form.get("agent_id", "")
    given = await service.hand_over(visit.work, visit.person, visit.path["id"], to)
    return _back(visit, _("Handed over to %(name)s.", name=given.agent_name))


@page("POST", "/conversations/{id}/snooze", permission=ANSWER)
async def snooze(visit: Visit) -> web.StreamResponse:
    """
    Put it aside for some seconds (the menu's values), or until a moment in words.
    """
    until = _until(visit)
    await service.snooze(visit.work, visit.person, visit.path["id"], until)
    zone = zone_named(visit.request.cookies.get(ZONE_COOKIE, ""))
    when = f"{until.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}"
    return _back(visit, _("Snoozed until %(when)s. A new message brings it back before.", when=when))


def _until(visit: Visit) -> datetime:
    words, seconds = visit.form.get("words", ""), visit.form.get("until", "")
    if not seconds and words.strip():
        zone = zone_named(visit.request.cookies.get(ZONE_COOKIE, ""))
        try:
            return read_moment(words, now=visit.work.now, zone=zone)
        except NotUnderstood as error:
            raise Invalid(fields={"words": str(error)}) from error
    if not seconds.isdecimal() or len(seconds) > 9 or timedelta(seconds=int(seconds)) > LONGEST_SNOOZE:
        raise Invalid(fields={"until": "choose one of the times in the menu"})
    return visit.work.now + timedelta(seconds=int(seconds))


@page("POST", "/conversations/{id}/claim", permission=ANSWER)
async def claim(visit: Visit) -> web.StreamResponse:
    """
    Take it.
    """
    await service.claim(visit.work, visit.person, visit.path["id"])
    return _back(visit, "")


@page("POST", "/conversations/{id}/release", permission=ANSWER)
async def release(visit: Visit) -> web.StreamResponse:
    """
    Give it back to the queue.
    """
    await service.release(visit.work, visit.person, visit.path["id"])
    return _back(visit, _("Back in the queue."))


@page("POST", "/conversations/{id}/pending", permission=ANSWER)
async def pending(visit: Visit) -> web.StreamResponse:
    """
    Wait for the customer.
    """
    await service.set_pending(visit.work, visit.person, visit.path["id"])
    return _back(visit, _("Waiting for the customer."))


@page("POST", "/conversations/{id}/resolve", permission=ANSWER)
async def resolve(visit: Visit) -> web.StreamResponse:
    """
    Call it done.
    """
    await service.resolve(visit.work, visit.person, visit.path["id"])
    return _back(visit, _("Resolved."))


@page("POST", "/conversations/{id}/reopen", permission=ANSWER)
async def reopen(visit: Visit) -> web.StreamResponse:
    """
    Put it back into the queue.
    """
    await service.reopen(visit.work, visit.person, visit.path["id"])
    return _back(visit, _("Back in the queue."))


def _back(visit: Visit, said: str) -> web.Response:
    return visit.go(f"/conversations/{visit.path['id']}", said)


async def _show(visit: Visit, *, draft: str = "", status: int = 200, **more: Any) -> web.StreamResponse:
    shown = await _conversation(visit, draft=draft)
    beside = await queue_page(visit, current=shown.id)
    return await visit.render("inbox/conversation.html", status=status, queue=beside, conversation=shown, **more)


def _colleague(one: Member) -> Colleague:
    return Colleague(
        id=one.agent.id,
        name=one.agent.name,
        presence=one.agent.presence,
        waiting=one.load.waiting,
        capacity=one.agent.profile.capacity,
    )


async def _conversation(visit: Visit, *, draft: str) -> ConversationPage:
    work, person, shell = visit.work, visit.person, visit.shell
    listed = await store.get_listed(work, visit.path["id"])
    c = listed.conversation
    account: Account = await get_account(work, c.account_id)
    deliveries = {entry.id: entry for entry in await entries_of(work, "conversation", c.id)}
    rows = await store.timeline(work, c.id)
    newest = await store.get_message(work, c.newest_message_id) if c.newest_message_id else None
    entries = [entry_of(row, deliveries, channel=c.channel) for row in rows]
    contact = await get_contact(work, c.contact_id)
    history = await store.history_of(work, c.contact_id, besides=c.id)
    return conversation_page(
        listed=listed,
        account=account,
        person=person,
        now=work.now,
        newest=newest,
        entries=entries,
        agents=[_colleague(one) for one in await team_now(work) if one.agent.login and one.agent.id != c.agent_id],
        contact=contact_view(contact, await identities_of(work, c.contact_id)),
        history=[history_row(one) for one in history],
        may_answer=shell.gate.may(person.role, ANSWER),
        may_take=shell.gate.may(person.role, Permission.CONVERSATIONS_TAKE_OVER),
        tags=(await store.tags_of(work, [c.id])).get(c.id, ()),
        newest_answer_id=await store.newest_answer(work, c.id),
        merged_into=c.merged_into,
        spam=c.spam_at is not None,
        undoable=await _undoable(work, c.id),
        onlookers=await onlookers(work, c.id, besides=person.id),
        **_written(await drafts_in(work, person, c.id), draft),
    )


async def _undoable(work: UnitOfWork, conversation_id: str) -> tuple[str, str] | None:
    last = await last_rearrangement(work, conversation_id)
    return (last.id, last.kind) if last else None


def _written(kept: Mapping[DraftKind, Draft], typed: str) -> dict[str, Any]:
    reply, note = kept.get(DraftKind.REPLY), kept.get(DraftKind.NOTE)
    return {
        # What a refused reply held is newer than what was saved.
        "draft": typed or (reply.text if reply else ""),
        "draft_version": reply.version if reply else 0,
        "kept_draft": reply.text if reply else "",
        "note_draft": note.text if note else "",
        "note_version": note.version if note else 0,
    }
