"""
The reports page: how promises were kept, arrivals against answers, and the same for a spreadsheet.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from zoneinfo import available_timezones

from aiohttp import web

from bot.accounts.service import list_accounts
from bot.core.errors import Invalid
from bot.reports import service
from bot.reports.figures import Figures
from bot.reports.keys import SEER
from bot.reports.service import CLOCKS, Asked
from bot.reports.store import DIMENSIONS
from bot.reports.views import (
    BY_LABELS,
    CLOCK_LABELS,
    as_csv,
    assumed,
    group_name,
    group_row,
    sentences,
    share_chart,
    shown_share,
    shown_time,
    step_name,
    traffic_chart,
)
from bot.staff.rules import Permission
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _
from bot.web.translations import word

READ = Permission.REPORTS_READ
NAMES = {"first": "from", "last": "to", "zone": "zone", "clock": "clock", "by": "by", "account_id": "account_id"}
"""Fields of `Asked`, and what they are called in the address."""


@page("GET", "/reports", permission=READ)
async def reports(visit: Visit) -> web.StreamResponse:
    """
    Show how promises were kept over a range of days.
    """
    asked = _asked(visit)
    frame: dict[str, Any] = {
        "asked": asked,
        "clocks": [(key, word(CLOCK_LABELS[key])) for key in CLOCKS],
        "dimensions": [(key, word(BY_LABELS[key])) for key in DIMENSIONS],
        "accounts": [("", _("All accounts")), *[(one.id, one.name) for one in await list_accounts(visit.work)]],
        "zones": sorted(available_timezones()),
    }
    try:
        found = await _found(visit, asked)
    except Invalid as error:
        return await visit.render("reports/reports.html", 422, **frame, errors=error.fields, report=None)
    return await visit.render("reports/reports.html", **frame, errors={}, **found)


@page("GET", "/reports.csv", permission=READ)
async def reports_csv(visit: Visit) -> web.StreamResponse:
    """
    Give the same figures for a spreadsheet.
    """
    report = await service.sla_report(visit.work, _asked(visit))
    name = f"{report.clock}-{report.range.first}-{report.range.last}.csv"
    return web.Response(
        text=as_csv(report),
        content_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@page("GET", "/reports/forecast", permission=READ, unit="none")
async def forecast(visit: Visit) -> web.StreamResponse:
    """
    Show what the next hours will bring.
    """
    found = await visit.request.app[SEER].look()
    rows = [
        {
            "at": found.at(plan.hour.begins),
            "arrivals": round(plan.hour.arrivals),
            "people": plan.hour.people,
            "needed": plan.needed,
            "missing": plan.needed is None or plan.needed > plan.hour.people,
            "kept": shown_share(plan.kept),
        }
        for plan in found.forecast.hours
    ]
    return await visit.render(
        "reports/forecast.html", outlook=found, sentences=sentences(found), rows=rows, assumed=assumed(found)
    )


def _asked(visit: Visit) -> Asked:
    given = {
        name: visit.query[short].replace("\x00", "").strip()
        for name, short in NAMES.items()
        if short in visit.query
    }
    return Asked(**{name: value for name, value in given.items() if value})


async def _found(visit: Visit, asked: Asked) -> dict[str, Any]:
    report = await service.sla_report(visit.work, asked)
    traffic = await service.traffic(visit.work, asked)
    whole = report.whole
    return {
        "report": report,
        "traffic": traffic,
        "csv_url": "/reports.csv?" + urlencode({short: getattr(asked, name) for name, short in NAMES.items()}),
        "figures": _head(whole),
        "hours": [group_row(one, one.name) for one in report.hours],
        "days": [group_row(one, one.name) for one in report.days],
        "groups": [group_row(one, group_name(report, one)) for one in report.groups],
        "hours_chart": share_chart(report.hours),
        "traffic_chart": traffic_chart(traffic),
        "steps": [(step_name(traffic, step.at), step) for step in traffic.steps if step.arrivals or step.answers],
        "ages": [
            (_("Waiting now"), traffic.ages.count, ""),
            (_("Half wait longer than"), shown_time(traffic.ages.p50), ""),
            (_("One in ten waits longer than"), shown_time(traffic.ages.p90), ""),
            (_("Longest"), shown_time(traffic.ages.longest), ""),
        ],
        "by_label": word(BY_LABELS[report.by]),
    }


def _head(whole: Figures) -> list[tuple[str, object, str]]:
    broken = whole.breached + whole.overdue
    return [
        (
            _("Kept"),
            shown_share(whole.share_kept),
            _("%(kept)s of %(all)s", kept=whole.kept, all=whole.kept + broken),
        ),
        (_("Half within"), shown_time(whole.times.p50), "p50"),
        (_("90 of 100 within"), shown_time(whole.times.p90), "p90"),
        (_("95 of 100 within"), shown_time(whole.times.p95), "p95"),
        (_("Asked"), whole.asked, _("%(n)s answered", n=whole.answered)),
        (_("Overdue"), whole.overdue, _("late, and not answered")),
        (_("Running"), whole.running, _("there is time")),
        (_("Dropped"), whole.dropped, _("ended without an answer")),
    ]
