"""
The composition root: the only place that names concrete connectors and wires features together.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import ModuleType

import aiohttp
import structlog
from aiohttp import web

import bot.accounts.api
import bot.accounts.pages
import bot.contacts.api
import bot.contacts.pages
import bot.inbox.api
import bot.inbox.pages
import bot.outbox.api
import bot.outbox.pages
import bot.staff.api
import bot.staff.pages
import bot.web.api_docs
import connectors.email
import connectors.mastodon
import responses
from bot.accounts.connect import CONNECTORS, Connectors
from bot.accounts.ears import Ear
from bot.accounts.jobs import Pollers
from bot.accounts.pages import EARS
from bot.accounts.service import account_banners
from bot.core.clock import Clock, SystemClock
from bot.core.database import Database
from bot.core.ids import new_id
from bot.core.live import LiveEvents
from bot.core.scheduler import Scheduler
from bot.health import add_health
from bot.inbox import hearing
from bot.inbox import jobs as inbox_jobs
from bot.inbox.keys import PROMISE
from bot.inbox.rules import Promise
from bot.opening import opened_database, secret_box
from bot.outbox.jobs import OutboxWorker
from bot.outbox.keys import RECEIPTS
from bot.outbox.service import Receipt, outbox_banners
from bot.settings import Settings
from bot.staff import jobs as staff_jobs
from bot.staff.gate import StaffGate
from bot.staff.rules import Permission as P
from bot.web.application import build_application
from bot.web.assets import Assets
from bot.web.operations import prune_answers
from bot.web.shell import NavEntry, Shell
from connectors.registry import Registry

log = structlog.get_logger(__name__)

PAGES: Sequence[ModuleType] = (
    bot.inbox.pages,
    bot.outbox.pages,
    bot.contacts.pages,
    bot.accounts.pages,
    bot.staff.pages,
    bot.web.api_docs,
)
APIS: Sequence[ModuleType] = (
    bot.inbox.api,
    bot.outbox.api,
    bot.contacts.api,
    bot.accounts.api,
    bot.staff.api,
)
NAV = (
    NavEntry(label="Queue", url="/queue", permission=P.CONVERSATIONS_READ),
    NavEntry(label="Contacts", url="/contacts", permission=P.CONTACTS_READ),
    NavEntry(label="Outbox", url="/outbox", permission=P.OUTBOX_READ),
    NavEntry(label="Accounts", url="/accounts", permission=P.ACCOUNTS_READ),
    NavEntry(label="Heard", url="/heard", permission=P.HEARD_READ),
    NavEntry(label="Staff", url="/staff", permission=P.STAFF_READ),
    NavEntry(label="Audit", url="/audit", permission=P.AUDIT_READ),
    NavEntry(label="API", url="/api", permission=P.API_DOCS),
)
TEMPLATE_PACKAGES = ("bot.web", "bot.inbox", "bot.outbox", "bot.contacts", "bot.accounts", "bot.staff")
SYNC_EVERY = timedelta(seconds=10)
TIDY_EVERY = timedelta(minutes=10)


def registry() -> Registry:
    """
    Give the channels of this build.
    """
    return Registry((connectors.mastodon.channel, connectors.email.channel))


def promise_of(settings: Settings) -> Promise:
    """
    Give what is promised to customers.
    """
    return Promise(first_response=settings.queue.first_response, grace=settings.outbox.grace)


def receipts_of(settings: Settings) -> tuple[Receipt, ...]:
    """
    Give who is told of every change in the outbox.
    """
    return (partial(hearing.sent, promise=promise_of(settings)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """
    A running daemon: where its pages are.
    """

    url: str
    database: Database
    connectors: Connectors
    pollers: Pollers


@asynccontextmanager
async def running(
    settings: Settings, *, clock: Clock | None = None, simulated: bool = False
) -> AsyncIterator[Daemon]:
    """
    Run the daemon until the block ends: pages, pollers, outbox and clocks.
    """
    clock = clock or SystemClock()
    holder = f"{socket.gethostname()}:{os.getpid()}:{new_id(clock.now())[-8:]}"
    promise = promise_of(settings)
    responses.warm_up()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(opened_database(settings, clock))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        opened = Connectors(registry(), secret_box(settings), session)
        live = await stack.enter_async_context(LiveEvents(database))
        gate = await stack.enter_async_context(StaffGate(database, settings.sessions))
        scheduler = await stack.enter_async_context(Scheduler(clock))
        ears: tuple[Ear, ...] = (partial(hearing.hear, promise=promise),)
        pollers = await stack.enter_async_context(
            Pollers(database, scheduler, opened, ears, settings.accounts, holder)
        )
        receipts = receipts_of(settings)
        await stack.enter_async_context(OutboxWorker(database, live, opened, receipts, settings.outbox, holder))
        _schedule(scheduler, database, live, pollers, settings)
        shell = make_shell(gate, settings, simulated=simulated)
        extra = {
            CONNECTORS: opened,
            EARS: ears,
            PROMISE: promise,
            RECEIPTS: receipts,
            **bot.staff.pages.keys(settings),
        }
        app = build_application(
            database, live, shell, gate, PAGES, APIS, max_body=settings.http.max_body, extra=extra
        )
        add_health(app)
        url = await _serve(stack, app, settings)
        yield Daemon(url=url, database=database, connectors=opened, pollers=pollers)


def make_shell(gate: StaffGate, settings: Settings, *, simulated: bool) -> Shell:
    """
    Make the frame of every page.
    """
    return Shell(
        assets=Assets(),
        gate=gate,
        packages=TEMPLATE_PACKAGES,
        nav=NAV,
        banner_sources=(account_banners, outbox_banners),
        simulated=simulated,
        secure_cookies=settings.base_url.startswith("https://"),
    )


def _schedule(
    scheduler: Scheduler, database: Database, live: LiveEvents, pollers: Pollers, settings: Settings
) -> None:
    async def tidy() -> None:
        await live.prune(settings.live.keep)
        async with database.write() as work:
            await prune_answers(work)

    scheduler.every("accounts.sync", SYNC_EVERY, pollers.sync)
    scheduler.every("tidy", TIDY_EVERY, tidy)
    inbox_jobs.schedule(scheduler, database)
    staff_jobs.schedule(scheduler, database, settings)


async def _serve(stack: AsyncExitStack, app: web.Application, settings: Settings) -> str:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, settings.server.host, settings.server.port)
    await site.start()
    host, port = runner.addresses[0][:2]
    url = str(settings.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}")
    log.info("listening", action="daemon.listening", url=url)
    return url
