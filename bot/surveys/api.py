"""
Surveys over the API: figures, answers, and how accounts ask.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field

from bot.core.errors import Invalid
from bot.staff.rules import Permission
from bot.surveys import service, store
from bot.surveys.rules import By, Figures, Options
from bot.surveys.store import Span
from bot.web.operations import Body, Call, Listing, Moment, PageQuery, Query, operation

READ, CHANGE = Permission.SURVEYS_READ, Permission.SURVEYS_CHANGE
TAG = "surveys"
MONTH = timedelta(days=30)


class SurveyFiguresOut(BaseModel):
    """
    What was asked in a span of time and what was answered to it.
    """

    key: str = Field(description="id of the agent or account, Monday of the week; empty for all")
    name: str
    asked: int
    answered: int
    satisfied: int = Field(description="answers of 4 and 5")
    share_satisfied: float | None = Field(description="satisfied per answered; null without an answer")
    response_rate: float | None = Field(description="answered per asked; null when nobody was asked")
    counts: list[int] = Field(description="answers by score, from 1 to 5")


class FiguresQuery(Query):
    """
    Of which questions.
    """

    since: Moment | None = Field(default=None, description="asked from here on; 30 days ago if left out")
    until: Moment | None = Field(default=None, description="asked before this; now if left out")
    account_id: str = Field(default="", max_length=100)
    by: By = By.ALL


class AnswersQuery(PageQuery):
    """
    Of which questions.
    """

    since: Moment | None = None
    until: Moment | None = None
    account_id: str = Field(default="", max_length=100)


class SurveyAnswerOut(BaseModel):
    """
    What one customer said.
    """

    id: str
    conversation_id: str
    contact_id: str
    account_id: str
    account_name: str
    agent_id: str
    agent_name: str
    score: int = Field(description="1, very dissatisfied, to 5, very satisfied")
    comment: str
    asked_at: datetime
    answered_at: datetime
    changed_at: datetime


class SurveyOptionsIn(Body):
    """
    How the customers of an account are asked.
    """

    enabled: bool
    delay: timedelta = Field(
        default=timedelta(hours=1), description="from resolving to asking; ISO 8601, at most P14D"
    )
    valid_for: timedelta = Field(default=timedelta(days=14), description="how long the link can be used")
    pause: timedelta = Field(
        default=timedelta(days=30), description="a contact is asked at most once in this time"
    )


class SurveyOptionsOut(BaseModel):
    """
    How the customers of an account are asked.
    """

    account_id: str
    enabled: bool
    delay: timedelta
    valid_for: timedelta
    pause: timedelta


def _span(call: Call, query: FiguresQuery | AnswersQuery) -> Span:
    until = query.until or call.work.now
    since = query.since or until - MONTH
    if since >= until:
        raise Invalid(fields={"since": "must be before `until`"})
    return Span(since=since, until=until, account_id=query.account_id)


def _figures_out(figures: Figures) -> SurveyFiguresOut:
    names = ("key", "name", "asked", "answered", "satisfied", "share_satisfied", "response_rate")
    plain: dict[str, Any] = {name: getattr(figures, name) for name in names}
    return SurveyFiguresOut(**plain, counts=list(figures.counts))


@operation("GET", "/surveys/figures", permission=READ, tag=TAG)
async def read_survey_figures(call: Call, query: FiguresQuery) -> Listing[SurveyFiguresOut]:
    """
    Count questions and answers, by agent, account or week.
    """
    found = await store.figures(call.work, _span(call, query), query.by)
    return Listing(items=[_figures_out(one) for one in found])


@operation("GET", "/surveys/answers", permission=READ, tag=TAG)
async def list_survey_answers(call: Call, query: AnswersQuery) -> Listing[SurveyAnswerOut]:
    """
    List what customers answered, by when they were asked, newest first.
    """
    found = await store.list_answers(call.work, _span(call, query), limit=query.limit, after=query.after)
    fields = set(SurveyAnswerOut.model_fields)
    items = [SurveyAnswerOut(**one.model_dump(include=fields), account_name=name) for one, name in found.items]
    return Listing(items=items, after=found.after)


@operation("GET", "/surveys/options/{account_id}", permission=READ, tag=TAG)
async def read_survey_options(call: Call, account_id: str) -> SurveyOptionsOut:
    """
    Tell how the customers of an account are asked.
    """
    return _options_out(account_id, service.options_of(await store.get_options(call.work, account_id)))


@operation("PUT", "/surveys/options/{account_id}", permission=CHANGE, tag=TAG)
async def change_survey_options(call: Call, account_id: str, body: SurveyOptionsIn) -> SurveyOptionsOut:
    """
    Say how the customers of an account are asked.
    """
    options = Options(**body.model_dump())
    await service.set_options(call.work, call.actor, account_id, options)
    return _options_out(account_id, options)


def _options_out(account_id: str, options: Options) -> SurveyOptionsOut:
    return SurveyOptionsOut(
        account_id=account_id,
        enabled=options.enabled,
        delay=options.delay,
        valid_for=options.valid_for,
        pause=options.pause,
    )
