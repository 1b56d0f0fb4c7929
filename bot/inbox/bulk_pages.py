"""
Do one thing to many: choose, watch it go, stop it, and see what was left out.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from bot.core.errors import Invalid
from bot.inbox import bulk
from bot.inbox.bulk import BulkVerb
from bot.inbox.listing import count, list_selected
from bot.inbox.moments import ZONE_COOKIE, NotUnderstood, read_moment, zone_named
from bot.inbox.queue import asked_in, asked_of
from bot.inbox.views import queue_row
from bot.staff.rules import Permission
from bot.staff.service import colleagues_who_may
from bot.web.pages import Visit, page
from bot.web.translations import mark, word

READ, ANSWER = Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_ANSWER
SHOWN = 200
ROWS = 50
VERBS = {
    BulkVerb.RESOLVE: mark("Resolve"),
    BulkVerb.TAG: mark("Put a tag on"),
    BulkVerb.UNTAG: mark("Take a tag off"),
    BulkVerb.ASSIGN: mark("Hand over"),
    BulkVerb.SNOOZE: mark("Snooze"),
    BulkVerb.SPAM: mark("Mark as spam"),
}


@page("GET", "/bulk/new", permission=ANSWER)
async def choose(visit: Visit) -> web.StreamResponse:
    """
    Choose conversations out of a list of the queue, and what to do to them.
    """
    asked = await asked_of(visit)
    found = await list_selected(
        visit.work, asked.selection, actor_id=visit.person.id, order=asked.order, limit=SHOWN, after=None
    )
    number = await count(visit.work, asked.selection, actor_id=visit.person.id)
    agents = await colleagues_who_may(visit.work, ANSWER)
    return await visit.render(
        "inbox/bulk_new.html",
        rows=[queue_row(one, "", visit.person, visit.work.now, "") for one in found.items],
        total=number,
        address=asked.address(),
        verbs=[(verb, word(label)) for verb, label in VERBS.items()],
        agents=[(one.id, one.name) for one in agents],
    )


@page("POST", "/bulk", permission=ANSWER)
async def begin(visit: Visit) -> web.StreamResponse:
    """
    Begin a job.
    """
    form, verb = visit.form, visit.form.get("verb", "")
    if verb not in set(BulkVerb):
        raise Invalid(fields={"verb": "choose what to do"})
    # The one form with a repeated field; it was read before, so this asks nobody.
    chosen = [str(one) for one in (await visit.request.post()).getall("id", [])]
    selection = None
    if form.get("which") == "all":
        pairs = parse_qsl(form.get("address", "")[:4000], max_num_fields=100)
        selection = (await asked_in(visit.work, visit.person.id, pairs)).selection
    until = None
    if verb == BulkVerb.SNOOZE:
        try:
            zone = zone_named(visit.request.cookies.get(ZONE_COOKIE, ""))
            until = read_moment(form.get("words", ""), now=visit.work.now, zone=zone)
        except NotUnderstood as error:
            raise Invalid(fields={"words": str(error)}) from error
    job = await bulk.begin(
        visit.work,
        visit.person,
        BulkVerb(verb),
        ids=chosen,
        selection=selection,
        tag=form.get("tag", ""),
        agent_id=form.get("agent_id", ""),
        until=until,
    )
    return visit.go(f"/bulk/{job.id}")


@page("GET", "/bulk", permission=READ)
async def show_jobs(visit: Visit) -> web.StreamResponse:
    """
    List bulk jobs, newest first.
    """
    after = visit.query.get("after") or None
    found = await bulk.list_jobs(visit.work, limit=ROWS, after=after)
    return await visit.render(
        "inbox/bulk_list.html",
        jobs=found.items,
        verbs=VERBS,
        older=f"/bulk?{urlencode({'after': found.after})}" if found.after else None,
        newest="/bulk" if after else None,
    )


@page("GET", "/bulk/{id}", permission=READ)
async def show_job(visit: Visit) -> web.StreamResponse:
    """
    Show how far a job is, and what it left out.
    """
    return await _job(visit, "inbox/bulk_job.html")


@page("GET", "/bulk/{id}/progress", permission=READ)
async def show_progress(visit: Visit) -> web.StreamResponse:
    """
    Give the progress alone, for live pages.
    """
    return await _job(visit, "inbox/_bulk_progress.html")


async def _job(visit: Visit, template: str) -> web.StreamResponse:
    job = await bulk.get_job(visit.work, visit.path["id"])
    after = visit.query.get("after") or None
    left_out = await bulk.list_left_out(visit.work, job.id, limit=ROWS, after=after)
    return await visit.render(
        template,
        job=job,
        verb=VERBS[BulkVerb(job.verb)],
        left_out=left_out.items,
        older=f"/bulk/{job.id}?{urlencode({'after': left_out.after})}" if left_out.after else None,
        newest=f"/bulk/{job.id}" if after else None,
    )


@page("POST", "/bulk/{id}/stop", permission=ANSWER)
async def stop(visit: Visit) -> web.StreamResponse:
    """
    Stop a job where it is.
    """
    await bulk.stop(visit.work, visit.person, visit.path["id"])
    return visit.go(f"/bulk/{visit.path['id']}")
