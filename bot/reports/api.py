"""
Reports over the API: the same figures as the pages and the command line.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.reports import service
from bot.reports.figures import Figures
from bot.reports.service import Asked, Group, SlaReport, Traffic
from bot.staff.rules import Permission
from bot.web.operations import Call, operation

READ = Permission.REPORTS_READ
TAG = "reports"


class FiguresOut(BaseModel):
    """
    How one promise was kept. Times are seconds; null where there was nothing to measure.
    """

    asked: int = Field(description="promises that began in the range")
    answered: int = Field(description="stopped by a person's answer; of a resolution: resolved")
    kept: int
    breached: int = Field(description="answered too late")
    overdue: int = Field(description="not answered, and too late; counts as broken")
    running: int = Field(description="not answered, and there is time; in no share")
    dropped: int = Field(description="ended without an answer; in no share")
    share_kept: float | None = Field(description="kept / (kept + breached + overdue)")
    average: float | None
    p50: float | None = Field(description="nearest rank, of the answered")
    p90: float | None
    p95: float | None
    p99: float | None
    longest: float | None


class GroupOut(FiguresOut):
    """
    The same for an hour of the day, a day, or a group.
    """

    key: str
    name: str


class SlaOut(BaseModel):
    """
    How one promise was kept over whole days of a time zone.
    """

    clock: str
    first_on: date
    last_on: date
    zone: str
    by: str
    whole: FiguresOut
    hours: list[GroupOut] = Field(description="by hour of the day in which the promise began")
    days: list[GroupOut]
    groups: list[GroupOut]


class RangeQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first: str = Field(default="", alias="from", max_length=30, description="a day, as in 2026-03-02; a week ago")
    last: str = Field(default="", alias="to", max_length=30, description="the last day, included; today")
    zone: str = Field(default="UTC", max_length=60, description="time zone of days and hours")


class SlaQuery(RangeQuery):
    clock: str = Field(default="first_response", max_length=30, description="or next_response, resolution")
    by: str = Field(default="channel", max_length=30, description="or account, agent, intent")
    channel: str = Field(default="", max_length=100)
    account_id: str = Field(default="", max_length=100)
    agent_id: str = Field(default="", max_length=100)
    intent: str = Field(default="", max_length=100)


class StepOut(BaseModel):
    """
    An hour or a day: what came, what was answered, how many waited at its end.
    """

    at: datetime
    arrivals: int
    answers: int
    waiting: int


class TrafficOut(BaseModel):
    """
    Arrivals against answers, and how old what waits is now, in seconds.
    """

    first_on: date
    last_on: date
    zone: str
    arrivals: int
    answers: int
    steps: list[StepOut]
    waiting_now: int
    age_average: float | None
    age_p50: float | None
    age_p90: float | None
    age_longest: float | None


def _figures(figures: Figures) -> dict[str, Any]:
    times = figures.times
    names = ("asked", "answered", "kept", "breached", "overdue", "running", "dropped", "share_kept")
    measured = ("average", "p50", "p90", "p95", "p99", "longest")
    return {
        **{name: getattr(figures, name) for name in names},
        **{name: getattr(times, name) for name in measured},
    }


def _group(group: Group) -> GroupOut:
    return GroupOut(key=group.key, name=group.name, **_figures(group.figures))


def sla_out(report: SlaReport) -> SlaOut:
    """
    Show a report.
    """
    return SlaOut(
        clock=report.clock,
        first_on=report.range.first,
        last_on=report.range.last,
        zone=report.range.zone.key,
        by=report.by,
        whole=FiguresOut(**_figures(report.whole)),
        hours=[_group(one) for one in report.hours],
        days=[_group(one) for one in report.days],
        groups=[_group(one) for one in report.groups],
    )


def traffic_out(found: Traffic) -> TrafficOut:
    """
    Show arrivals against answers.
    """
    return TrafficOut(
        first_on=found.range.first,
        last_on=found.range.last,
        zone=found.range.zone.key,
        arrivals=found.arrivals,
        answers=found.answers,
        steps=[
            StepOut(at=step.at, arrivals=step.arrivals, answers=step.answers, waiting=step.waiting)
            for step in found.steps
        ],
        waiting_now=found.ages.count,
        age_average=found.ages.average,
        age_p50=found.ages.p50,
        age_p90=found.ages.p90,
        age_longest=found.ages.longest,
    )


@operation("GET", "/reports/sla", permission=READ, tag=TAG)
async def report_sla(call: Call, query: SlaQuery) -> SlaOut:
    """
    Say how a promise was kept over a range of days.
    """
    return sla_out(await service.sla_report(call.work, Asked(**query.model_dump())))


@operation("GET", "/reports/traffic", permission=READ, tag=TAG)
async def report_traffic(call: Call, query: RangeQuery) -> TrafficOut:
    """
    Hold arrivals against answers over a range of days.
    """
    return traffic_out(await service.traffic(call.work, Asked(**query.model_dump())))
