"""
Reports over the API: the same figures as the pages and the command line.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.reports import service
from bot.reports.figures import Figures
from bot.reports.foretelling import Outlook
from bot.reports.keys import SEER
from bot.reports.service import Asked, Group, SlaReport, Traffic
from bot.staff.rules import Permission
from bot.web.operations import Call, Query, operation

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


class RangeQuery(Query):
    model_config = ConfigDict(populate_by_name=True)

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


class ForecastHourOut(BaseModel):
    """
    An hour of a forecast; the first begins now.
    """

    begins_at: datetime
    arrivals: float
    people: int = Field(description="expected to answer")
    needed: int | None = Field(description="by Erlang-A, so that 95 of 100 are begun in time; null: more than 500")
    kept: float | None = Field(description="by simulation with the people expected; null: nobody asks")


class ForecastOut(BaseModel):
    """
    What the next hours bring, and from what that was made.
    """

    made_at: datetime
    first_breach_at: datetime | None
    more_people: int | None = Field(description="so many more keep the promise")
    more_people_from: datetime | None
    hours: list[ForecastHourOut]
    handling_seconds: float
    handling_measured_of: int = Field(description="answers; fewer than 30: the usual 86 s is assumed")
    weeks: int = Field(description="past weeks, or days, from which arrivals come; 0: nothing is known")
    level: float = Field(description="how much busier today is than usual")
    people_here: int
    waiting: int
    last_week_hours: int
    last_week_error: float | None = Field(description="MAPE of arrivals foretold a day before")
    last_week_bias: float | None = Field(description="above 0: too much was foretold")


def outlook_out(found: Outlook) -> ForecastOut:
    """
    Show a forecast.
    """
    breach, remedy = found.forecast.first_breach, found.forecast.remedy
    return ForecastOut(
        made_at=found.made_at,
        first_breach_at=None if breach is None else found.at(breach),
        more_people=remedy.people if remedy else None,
        more_people_from=found.at(remedy.begins) if remedy else None,
        hours=[
            ForecastHourOut(
                begins_at=found.at(plan.hour.begins),
                arrivals=round(plan.hour.arrivals, 1),
                people=plan.hour.people,
                needed=plan.needed,
                kept=plan.kept,
            )
            for plan in found.forecast.hours
        ],
        handling_seconds=found.desk.handling,
        handling_measured_of=found.measured,
        weeks=found.weeks,
        level=found.level,
        people_here=found.people_here,
        waiting=found.waiting,
        last_week_hours=found.wrong.hours,
        last_week_error=found.wrong.error,
        last_week_bias=found.wrong.bias,
    )


@operation("GET", "/reports/forecast", permission=READ, tag=TAG)
async def report_forecast(call: Call) -> ForecastOut:
    """
    Say what the next hours bring; a few minutes old at the most.
    """
    return outlook_out(await call.request.app[SEER].look())


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
