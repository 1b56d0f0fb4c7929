"""
How figures are shown: times, shares, and the data of charts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.core.database import UnitOfWork
from bot.reports.foretelling import ENOUGH_ANSWERS, HOURS_AHEAD, Outlook, Seer
from bot.reports.service import Group, SlaReport, Traffic
from bot.staff.rules import Permission
from bot.web.shell import Banner
from bot.web.translations import gettext as _
from bot.web.translations import mark, ngettext, word

CLOCK_LABELS = {
    "first_response": mark("First response"),
    "next_response": mark("Next response"),
    "resolution": mark("Resolution"),
}
BY_LABELS = {
    "channel": mark("Channel"),
    "account": mark("Account"),
    "agent": mark("Agent"),
    "intent": mark("Intent"),
}
DASH = "—"
GLUE = "\N{NO-BREAK SPACE}"
"""Between a number and its unit: they stay on one line."""
WARN_BEFORE = timedelta(hours=4)
"""How long before a breach that is foretold a banner says so."""


def shown_time(seconds: float | None) -> str:
    """
    Write a time as people read it: 45 s, 12 min, 3 h 05, 2 d 4 h; a dash where there is none.
    """
    if seconds is None:
        return DASH
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{GLUE}s"
    if whole < 3600:
        return (
            f"{whole // 60}{GLUE}min{GLUE}{whole % 60:02}{GLUE}s"
            if whole < 600
            else f"{round(whole / 60)}{GLUE}min"
        )
    if whole < 86_400:
        return f"{whole // 3600}{GLUE}h{GLUE}{whole % 3600 // 60:02}"
    return f"{whole // 86_400}{GLUE}d{GLUE}{whole % 86_400 // 3600}{GLUE}h"


def shown_share(share: float | None) -> str:
    """
    Write a share in percent, never rounded up to 100; a dash where there is none.
    """
    if share is None:
        return DASH
    percent = share * 100
    return f"{min(percent, 99.9):.1f}{GLUE}%" if share < 1 else f"100{GLUE}%"


def group_row(group: Group, name: str) -> dict[str, Any]:
    """
    Give a line of a table.
    """
    figures = group.figures
    return {
        "name": name,
        "asked": figures.asked,
        "answered": figures.answered,
        "share": shown_share(figures.share_kept),
        "p50": shown_time(figures.times.p50),
        "p90": shown_time(figures.times.p90),
        "p95": shown_time(figures.times.p95),
        "p99": shown_time(figures.times.p99),
        "overdue": figures.overdue,
        "running": figures.running,
        "dropped": figures.dropped,
    }


def group_name(report: SlaReport, group: Group) -> str:
    """
    Name a group as people read it.
    """
    if not group.key:
        return _("Nobody has answered")
    return word(group.name) if report.by in ("intent", "channel") else group.name


def share_chart(groups: Sequence[Group]) -> dict[str, Any]:
    """
    Give the chart of shares kept and of the 95th percentile, point by point.
    """
    return {
        "x": _("Hour"),
        "labels": [group.name for group in groups],
        "series": [
            {"label": _("Kept, %%"), "scale": "%", "values": [_percent(one) for one in groups]},
            {"label": _("p95, minutes"), "scale": "min", "values": [_minutes(one) for one in groups]},
        ],
    }


def _percent(group: Group) -> float | None:
    share = group.figures.share_kept
    return None if share is None else round(share * 100, 1)


def _minutes(group: Group) -> float | None:
    p95 = group.figures.times.p95
    return None if p95 is None else round(p95 / 60, 1)


def traffic_chart(found: Traffic) -> dict[str, Any]:
    """
    Give the chart of arrivals, answers and who waits.
    """
    return {
        "x": _("When"),
        "labels": [step_name(found, step.at) for step in found.steps],
        "series": [
            {"label": _("Arrivals"), "scale": "n", "values": [step.arrivals for step in found.steps]},
            {"label": _("Answers"), "scale": "n", "values": [step.answers for step in found.steps]},
            {"label": _("Waiting at the end"), "scale": "n", "values": [step.waiting for step in found.steps]},
        ],
    }


def step_name(found: Traffic, at: datetime) -> str:
    """
    Name an hour or a day of the traffic.
    """
    by_hour = (found.range.last - found.range.first).days < 14
    if not by_hour:
        return at.strftime("%Y-%m-%d")
    return at.strftime("%H:%M") if found.range.first == found.range.last else at.strftime("%m-%d %H:%M")


def _written(at: datetime) -> str:
    return at.strftime("%H:%M UTC")


def sentences(found: Outlook) -> list[str]:
    """
    Say an outlook in sentences.
    """
    if found.weeks == 0:
        return [_("Nothing is known yet: a forecast needs a day of messages at least.")]
    breach, remedy = found.forecast.first_breach, found.forecast.remedy
    if breach is None:
        return [_("No breach is expected in the next %(hours)s hours.", hours=HOURS_AHEAD)]
    said = [_("First breach expected at %(at)s.", at=_written(found.at(breach)))]
    if remedy is not None:
        said.append(
            ngettext(
                "%(num)s more person from %(at)s keeps it.",
                "%(num)s more people from %(at)s keep it.",
                remedy.people,
                at=_written(found.at(remedy.begins)),
            )
        )
    return said


def assumed(found: Outlook) -> list[tuple[str, str]]:
    """
    Say from what a forecast was made, and how wrong the last ones were.
    """
    enough = found.measured >= ENOUGH_ANSWERS
    how = _("measured of %(n)s answers", n=found.measured) if enough else _("assumed until enough are measured")
    wrong = found.wrong
    said = _("No hour was foretold yet that has come.")
    if wrong.error is not None and wrong.bias is not None:
        said = _(
            "Of %(hours)s hours foretold a day before, arrivals were off by %(error)s on average (MAPE), "
            "all in all %(bias)s.",
            hours=wrong.hours,
            error=f"{wrong.error * 100:.0f} %",
            bias=f"{wrong.bias * 100:+.0f} %",
        )
    return [
        (_("An answer takes"), f"{shown_time(found.desk.handling)}, {how}"),
        (_("Arrivals come from"), _("the same hour in %(n)s past weeks (or days)", n=found.weeks)),
        (_("Today"), _("%(share)s of what is usual", share=f"{found.level * 100:.0f} %")),
        (_("Here now"), str(found.people_here)),
        (_("Waiting now"), str(found.waiting)),
        (_("Last week"), said),
    ]


CSV_COLUMNS = (
    *("part", "name", "asked", "answered", "kept", "breached", "overdue", "running", "dropped", "share_kept"),
    *("average_seconds", "p50_seconds", "p90_seconds", "p95_seconds", "p99_seconds", "longest_seconds"),
)


def as_csv(report: SlaReport) -> str:
    """
    Write a report for a spreadsheet: a line for the whole, each hour, each day and each group.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    whole = Group(key="", name="all", figures=report.whole)
    parts = (("all", [whole]), ("hour", report.hours), ("day", report.days), (report.by, report.groups))
    for part, groups in parts:
        for group in groups:
            writer.writerow([part, _harmless(group.name), *_csv_figures(group)])
    return out.getvalue()


def _csv_figures(group: Group) -> list[object]:
    figures, times = group.figures, group.figures.times
    counts = (figures.asked, figures.answered, figures.kept, figures.breached, figures.overdue, figures.running)
    measured = (times.average, times.p50, times.p90, times.p95, times.p99, times.longest)
    return [*counts, figures.dropped, figures.share_kept, *measured]


def _harmless(name: str) -> str:
    # A spreadsheet takes these for the beginning of a formula, and names come from outside.
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


async def outlook_banners(seer: Seer, work: UnitOfWork) -> list[Banner]:
    """
    Tell those who can send more people that the promise will break soon.
    """
    breach_at = seer.breach_at
    if seer.newest is None or breach_at is None or breach_at - work.now > WARN_BEFORE:
        return []
    text = " ".join(sentences(seer.newest))
    return [Banner(level="warning", text=text, url="/reports/forecast", permission=Permission.REPORTS_READ)]
