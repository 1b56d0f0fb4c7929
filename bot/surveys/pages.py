"""
The page a customer opens from a link, and the page of figures and options for those who work here.

The customer's page needs no login and no JavaScript. Only a form that is sent counts: scanners of mail servers and
previews of chats fetch every link they see.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.core.errors import Invalid, NotFound
from bot.core.units import read_duration, show_duration
from bot.staff.rules import Permission
from bot.surveys import service, store
from bot.surveys.keys import BOX
from bot.surveys.rules import By, Options, read_score
from bot.surveys.service import options_of
from bot.surveys.store import Span
from bot.surveys.tables import Survey
from bot.surveys.texts import ENGLISH, TEXTS
from bot.web.pages import Visit, page
from bot.web.translations import gettext as _

ROWS = 50
READ, CHANGE = Permission.SURVEYS_READ, Permission.SURVEYS_CHANGE
SPANS = {"7": timedelta(days=7), "30": timedelta(days=30), "90": timedelta(days=90), "365": timedelta(days=365)}
NO_ERRORS: Mapping[str, str] = {}


# The customer's page


@page("GET", "/s/{token}", permission=None)
async def show_question(visit: Visit) -> web.StreamResponse:
    """
    Show the question, or what was answered. Nothing is changed by looking.
    """
    try:
        survey = await service.find_by_link(visit.work, visit.request.app[BOX], visit.path["token"])
    except NotFound:
        return await visit.render("surveys/unknown.html", status=404, texts=ENGLISH, chinese=TEXTS["zh"])
    return await _question(visit, survey, changing="change" in visit.query)


@page("POST", "/s/{token}", permission=None)
async def answer(visit: Visit) -> web.StreamResponse:
    """
    Keep an answer.
    """
    survey = await service.find_by_link(visit.work, visit.request.app[BOX], visit.path["token"], lock=True)
    texts = TEXTS[survey.language]
    if service.has_ended(survey, visit.work.now):
        return await _question(visit, survey)
    score = read_score(visit.form.get("score", ""))
    if score is None:
        return await _question(visit, survey, changing=True, problem=texts.choose)
    try:
        await service.answer(visit.work, survey, score, visit.form.get("comment", ""))
    except Invalid:
        return await _question(visit, survey, changing=True, problem=texts.too_long)
    return visit.go(f"/s/{visit.path['token']}")


async def _question(
    visit: Visit, survey: Survey, *, changing: bool = False, problem: str = ""
) -> web.StreamResponse:
    ended = service.has_ended(survey, visit.work.now)
    typed = visit.form if problem else {}
    return await visit.render(
        "surveys/question.html",
        status=422 if problem else 410 if ended else 200,
        texts=TEXTS[survey.language],
        survey=survey,
        ended=ended,
        asking=not ended and (survey.score is None or changing),
        problem=problem,
        score=typed.get("score", str(survey.score or "")),
        comment=typed.get("comment", survey.comment),
        day=survey.expires_at.date().isoformat() if survey.expires_at else "",
    )


# The figures


@page("GET", "/surveys", permission=READ)
async def show_surveys(visit: Visit) -> web.StreamResponse:
    """
    Show how satisfied customers are, and what they said.
    """
    return await _figures(visit)


@page("POST", "/surveys/options/{account_id}", permission=CHANGE)
async def change_options(visit: Visit) -> web.StreamResponse:
    """
    Say whether and when the customers of an account are asked.
    """
    account_id, form = visit.path["account_id"], visit.form
    try:
        lengths = {name: _length(name, form.get(name, "")) for name in ("delay", "valid_for", "pause")}
        options = Options(enabled=bool(form.get("enabled")), **lengths)
        await service.set_options(visit.work, visit.person, account_id, options)
    except Invalid as error:
        return await _figures(visit, wrong=account_id, errors=error.fields)
    return visit.go("/surveys#options", _("Kept."))


@page("GET", "/surveys/answers.csv", permission=READ, unit="none")
async def download(visit: Visit) -> web.StreamResponse:
    """
    Give the answers of a span of time as CSV, row by row.
    """
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="answers.csv"',
        }
    )
    await response.prepare(visit.request)
    await response.write(_csv_line(COLUMNS))
    async for line in _csv_rows(visit):
        await response.write(line)
    await response.write_eof()
    return response


COLUMNS = ("asked_at", "answered_at", "account", "agent", "score", "comment", "conversation_id")


async def _csv_rows(visit: Visit) -> AsyncIterator[bytes]:
    span, after = _span(visit, visit.database.clock.now()), None
    while True:
        async with visit.database.read() as work:
            found = await store.list_answers(work, span, limit=500, after=after)
        for survey, account in found.items:
            yield _csv_line(
                (
                    _iso(survey.asked_at),
                    _iso(survey.answered_at),
                    account,
                    survey.agent_name,
                    survey.score,
                    survey.comment,
                    survey.conversation_id,
                )
            )
        after = found.after
        if after is None:
            return


def _csv_line(values: Any) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerow([_harmless(value) for value in values])
    return file.getvalue().encode()


def _harmless(value: object) -> object:
    # Spreadsheets take these for formulas, and customers wrote the text.
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _iso(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat() if at else ""


def _span(visit: Visit, now: datetime) -> Span:
    length = SPANS.get(visit.query.get("days", ""), SPANS["30"])
    return Span(since=now - length, until=now, account_id=visit.query.get("account", "").replace("\x00", ""))


def _length(name: str, text: str) -> timedelta:
    try:
        return read_duration(text)
    except ValueError as error:
        raise Invalid(fields={name: str(error)}) from error


async def _figures(visit: Visit, wrong: str = "", errors: Mapping[str, str] = NO_ERRORS) -> web.StreamResponse:
    work, span = visit.work, _span(visit, visit.work.now)
    days = next(name for name, length in SPANS.items() if span.until - span.since == length)
    after = visit.query.get("after") or None
    found = await store.list_answers(work, span, limit=ROWS, after=after)
    (total,) = await store.figures(work, span, By.ALL)
    accounts, kept = await store.account_names(work), await store.list_options(work)
    asked = {"days": days, "account": span.account_id}
    return await visit.render(
        "surveys/surveys.html",
        status=422 if errors else 200,
        total=total,
        tables=[(name, await store.figures(work, span, by)) for name, by in _groups()],
        percent=_percent,
        answers=found.items,
        older=_url(asked, found.after) if found.after else None,
        newer=_url(asked, None) if after else None,
        csv_url="/surveys/answers.csv?" + urlencode(asked),
        wanted=asked,
        accounts=accounts,
        spans=[(name, _("%(n)s days", n=name)) for name in SPANS],
        options=[_options_form(visit, one, name, kept, wrong) for one, name in accounts],
        wrong=wrong,
        errors=errors,
    )


def _groups() -> list[tuple[str, By]]:
    return [(_("By agent"), By.AGENT), (_("By account"), By.ACCOUNT), (_("By week"), By.WEEK)]


def _options_form(visit: Visit, account_id: str, name: str, kept: Mapping[str, Any], wrong: str) -> dict[str, Any]:
    options = options_of(kept.get(account_id))
    shown = {
        "enabled": options.enabled,
        "delay": show_duration(options.delay),
        "valid_for": show_duration(options.valid_for),
        "pause": show_duration(options.pause),
    }
    if account_id == wrong:
        shown |= {field: visit.form.get(field, "") for field in ("delay", "valid_for", "pause")}
        shown["enabled"] = bool(visit.form.get("enabled"))
    return {"account_id": account_id, "name": name, **shown}


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.0%}"


def _url(asked: Mapping[str, str], after: str | None) -> str:
    return "/surveys?" + urlencode({**asked, **({"after": after} if after else {})})
