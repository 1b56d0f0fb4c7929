"""
For operators: is it alive, is it ready, and the figures Prometheus reads. No personal data, so no sign-in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from bot.accounts import store as accounts_store
from bot.core.database import UnitOfWork
from bot.inbox.store import waiting_figures
from bot.outbox.service import outbox_health
from bot.web.keys import DATABASE

SILENT_AFTER = timedelta(minutes=5)
"""An active account that could not be polled this long makes the node not ready."""
STUCK_AFTER_SECONDS = 300.0
"""So does an answer that has been due this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    One part of being ready.
    """

    ok: bool
    detail: str


async def healthz(_: web.Request) -> web.Response:
    """
    Say that the process answers.
    """
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.Response:
    """
    Say whether database, pollers and outbox do their work: 200, or 503 with what does not.
    """
    checks: dict[str, Check] = {}
    try:
        async with request.app[DATABASE].read() as work:
            checks["database"] = Check(ok=True, detail="answers")
            checks["pollers"] = await _pollers(work)
            checks["outbox"] = await _outbox(work)
    except (SQLAlchemyError, OSError) as error:
        checks["database"] = Check(ok=False, detail=type(error).__name__)
    ready = all(check.ok for check in checks.values())
    body = {"ready": ready, "checks": {name: {"ok": c.ok, "detail": c.detail} for name, c in checks.items()}}
    return web.json_response(body, status=200 if ready else 503)


async def _pollers(work: UnitOfWork) -> Check:
    heard = await accounts_store.last_heard(work)
    silent = [name for name, at in heard if at < work.now - SILENT_AFTER]
    if silent:
        return Check(ok=False, detail=f"not heard for {SILENT_AFTER.total_seconds():.0f} s: {', '.join(silent)}")
    return Check(ok=True, detail="every active account is heard")


async def _outbox(work: UnitOfWork) -> Check:
    health = await outbox_health(work)
    age = health.oldest_due_seconds
    return Check(ok=age <= STUCK_AFTER_SECONDS, detail=f"oldest due entry waits {age:.0f} s")


async def metrics(request: web.Request) -> web.Response:
    """
    Give the figures in Prometheus' text format, read from the database at this moment.
    """
    registry = CollectorRegistry()
    async with request.app[DATABASE].read() as work:
        waiting, late, earliest = await waiting_figures(work)
        left = (earliest - work.now).total_seconds() if earliest else 0.0
        Gauge("hubbub_conversations_waiting", "Open conversations", registry=registry).set(waiting)
        Gauge("hubbub_conversations_late", "Open conversations past their deadline", registry=registry).set(late)
        Gauge("hubbub_deadline_seconds", "Seconds to the earliest deadline; below 0: late", registry=registry).set(
            left
        )
        accounts = Gauge("hubbub_accounts", "Accounts by state", ["state"], registry=registry)
        for state, count in (await accounts_store.count_by_state(work)).items():
            accounts.labels(state=state).set(count)
        silence = Gauge(
            "hubbub_account_silent_seconds",
            "Seconds since an active account was heard",
            ["account"],
            registry=registry,
        )
        for name, at in await accounts_store.last_heard(work):
            silence.labels(account=name).set((work.now - at).total_seconds())
        health = await outbox_health(work)
        entries = Gauge(
            "hubbub_outbox_entries", "Outbox entries that are not settled", ["state"], registry=registry
        )
        for state, count in health.open_by_state.items():
            entries.labels(state=state).set(count)
        oldest = Gauge("hubbub_outbox_oldest_due_seconds", "Age of the oldest due entry", registry=registry)
        oldest.set(health.oldest_due_seconds)
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def add_health(app: web.Application) -> None:
    """
    Put the operators' addresses on the application.
    """
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
