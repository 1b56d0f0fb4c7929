"""
The composition root: the only place that names concrete connectors and wires features together.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import aiohttp
import structlog
from aiohttp import web

import connectors.email
import connectors.mastodon
import responses
from bot.accounts.connect import CONNECTORS, Connectors
from bot.accounts.ears import EARS, Ear
from bot.accounts.jobs import Pollers
from bot.accounts.service import account_banners
from bot.automation import acting as rules_acting
from bot.contacts.keys import PANELS
from bot.core.clock import Clock, SystemClock
from bot.core.database import Database
from bot.core.errors import HubbubError
from bot.core.ids import new_id
from bot.core.live import LiveEvents
from bot.core.outward import Outward, OutwardRules
from bot.core.scheduler import Scheduler
from bot.core.secretbox import SecretBox
from bot.feedback import jobs as feedback_jobs
from bot.feedback import service as feedback
from bot.feedback.keys import BASE_URL
from bot.health import add_health
from bot.hours.jobs import FEEDS, Feeds
from bot.hours.keys import HOURS_USERS
from bot.hours.service import Users as HoursUsers
from bot.inbox import hearing
from bot.inbox import jobs as inbox_jobs
from bot.inbox import webhooks as inbox_webhooks
from bot.inbox.board import Board
from bot.inbox.bulk_worker import BulkWorker
from bot.inbox.handing_out import HandOut
from bot.inbox.history_pages import history_panel
from bot.inbox.keys import BOARD, PROMISE
from bot.inbox.looking import prune_looking
from bot.inbox.order import reach_of
from bot.inbox.policies import hours_users
from bot.inbox.reactions import Reaction, Reactions
from bot.inbox.rules import Promise
from bot.inbox.team import skill_choices
from bot.inbox.watch import Watch
from bot.opening import opened_database, secret_box
from bot.outbox.jobs import OutboxWorker
from bot.outbox.keys import RECEIPTS
from bot.outbox.service import Receipt, outbox_banners
from bot.replies.acknowledging import ACKNOWLEDGED_KINDS, acknowledge, hours_used_by
from bot.replies.gathering import GATHERED_KINDS, gather
from bot.replies.suggestions import MEMORY, REMEMBERED_KINDS, Memory, remember
from bot.reports import jobs as report_jobs
from bot.reports.foretelling import Seer
from bot.reports.keys import SEER
from bot.reports.views import outlook_banners
from bot.served import APIS, NAV, PAGES, TEMPLATE_PACKAGES
from bot.settings import Settings
from bot.staff import jobs as staff_jobs
from bot.staff import store as staff_store
from bot.staff.gate import StaffGate
from bot.staff.notices import prune_notices, unread_count
from bot.staff.presence_pages import PRESENCE, SKILL_CHOICES
from bot.staff.sign_in import ENTRANCE, Entrance
from bot.surveys import jobs as survey_jobs
from bot.surveys import service as surveys
from bot.surveys.keys import BOX
from bot.web.application import build_application
from bot.web.assets import Assets
from bot.web.keys import OUTWARD
from bot.web.operations import prune_answers
from bot.web.proxies import TRUSTED_PROXIES
from bot.web.server_log import server_log
from bot.web.shell import BannerSource, Shell
from bot.webhooks import jobs as webhook_jobs
from bot.webhooks.jobs import WebhookWorker
from bot.webhooks.keys import DESK, Desk
from bot.webhooks.service import webhook_banners
from connectors.registry import Registry

log = structlog.get_logger(__name__)

HOURS_USED_BY: tuple[HoursUsers, ...] = (hours_users, hours_used_by)
"""Who is asked before business hours are deleted."""
SYNC_EVERY = timedelta(seconds=10)
TIDY_EVERY = timedelta(minutes=10)
NOTICES_KEPT = timedelta(days=90)


def registry() -> Registry:
    """
    Give the channels of this build.
    """
    return Registry((connectors.mastodon.channel, connectors.email.channel))


def promise_of(settings: Settings) -> Promise:
    """
    Give what is promised to customers.
    """
    return Promise(
        first_response=settings.queue.first_response,
        grace=settings.outbox.grace,
        warn_shares=settings.queue.warn_at,
    )


def outward_rules(settings: Settings) -> OutwardRules:
    """
    Give what may be asked out there.
    """
    return OutwardRules(networks=settings.outward.allow_private, http=settings.outward.allow_http)


def desk_of(settings: Settings, box: SecretBox) -> Desk:
    """
    Give what it takes to look after webhooks.
    """
    return Desk(box=box, outward=outward_rules(settings), both_secrets=settings.webhooks.both_secrets)


def ears_of(settings: Settings) -> tuple[Ear, ...]:
    """
    Give who is told of everything that is heard.
    """
    return (partial(hearing.hear, promise=promise_of(settings)),)


def receipts_of(settings: Settings) -> tuple[Receipt, ...]:
    """
    Give who is told of every change in the outbox.
    """
    return (partial(hearing.sent, promise=promise_of(settings)),)


def reactions_of(settings: Settings, base_url: str) -> tuple[Reaction, ...]:
    """
    Give what follows from events of conversations, in the order in which they are told.

    Args:
        base_url: where people reach our pages.
    """
    return (
        inbox_webhooks.reaction(base_url),
        rules_acting.reaction(base_url),
        surveys.reaction(),
        feedback.reaction(),
        Reaction(name="answered well", kinds=REMEMBERED_KINDS, act=remember),
        Reaction(name="alike", kinds=GATHERED_KINDS, act=gather),
        Reaction(name="acknowledgement", kinds=ACKNOWLEDGED_KINDS, act=acknowledge(promise_of(settings))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """
    A running daemon: where its pages are.
    """

    url: str
    database: Database
    connectors: Connectors
    pollers: Pollers
    board: Board
    live: LiveEvents


class PortTaken(HubbubError):
    """
    The daemon cannot listen there.
    """


@asynccontextmanager
async def running(
    settings: Settings, *, clock: Clock | None = None, simulated: bool = False, channels: Registry | None = None
) -> AsyncIterator[Daemon]:
    """
    Run the daemon until the block ends: pages, pollers, outbox and clocks; `channels` stands in for this build's.

    Raises:
        PortTaken, SchemaBehind, SecretsError: it cannot start; nothing runs then.
    """
    clock = clock or SystemClock()
    holder = f"{socket.gethostname()}:{os.getpid()}:{new_id(clock.now())[-8:]}"
    ears, receipts = ears_of(settings), receipts_of(settings)
    async with AsyncExitStack() as stack:
        listening = stack.enter_context(listen(settings.server.host, settings.server.port))
        url = str(settings.public_url or _address(listening))
        database = await stack.enter_async_context(opened_database(settings, clock))
        await asyncio.to_thread(responses.warm_up)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        box = secret_box(settings)
        opened = Connectors(channels or registry(), box, session)
        outward = await stack.enter_async_context(Outward(outward_rules(settings)))
        live = await stack.enter_async_context(LiveEvents(database))
        board = await stack.enter_async_context(Board(database, live))
        gate = await stack.enter_async_context(StaffGate(database, settings.sessions))
        scheduler = await stack.enter_async_context(Scheduler(clock))
        pollers = Pollers(database, scheduler, opened, ears, settings.accounts, holder, live)
        await stack.enter_async_context(pollers)
        await stack.enter_async_context(OutboxWorker(database, live, opened, receipts, settings.outbox, holder))
        await stack.enter_async_context(Watch(database, live, scheduler))
        await stack.enter_async_context(BulkWorker(database, live, holder))
        await stack.enter_async_context(WebhookWorker(database, live, outward, box, settings.webhooks, holder))
        await stack.enter_async_context(Reactions(database, live, reactions_of(settings, url)))
        feeds = Feeds(database, outward, scheduler)
        feeds.schedule()
        if settings.queue.hand_out:
            reach = reach_of(settings.queue.first_response)
            await stack.enter_async_context(HandOut(database, live, reach))
        _schedule(scheduler, database, live, pollers, settings)
        feedback_jobs.schedule(scheduler, database)
        promise = promise_of(settings)
        seer = Seer(database, settings.queue.first_response)
        report_jobs.schedule(scheduler, database, seer)
        survey_jobs.schedule(scheduler, database, holder, box=box, promise=promise, base_url=url)
        entrance = Entrance(database=database, sessions=settings.sessions, tries=settings.sign_in, base_url=url)
        app = build_application(
            database,
            live,
            make_shell(gate, url, simulated=simulated, banners=(partial(outlook_banners, seer),)),
            gate,
            PAGES,
            APIS,
            max_body=settings.http.max_body,
            extra=_for_handlers(settings, opened, outward, feeds, entrance, desk_of(settings, box))
            | {BOARD: board, BOX: box, BASE_URL: url, SEER: seer},
        )
        add_health(app)
        await _serve(stack, app, listening)
        log.info("listening", action="daemon.listening", url=url)
        yield Daemon(url=url, database=database, connectors=opened, pollers=pollers, board=board, live=live)


def _for_handlers(
    settings: Settings, opened: Connectors, outward: Outward, feeds: Feeds, entrance: Entrance, desk: Desk
) -> dict[web.AppKey[Any], object]:
    """
    Give what pages and operations find in the application.
    """
    return {
        CONNECTORS: opened,
        EARS: ears_of(settings),
        RECEIPTS: receipts_of(settings),
        MEMORY: Memory(),
        PROMISE: promise_of(settings),
        PANELS: (history_panel,),
        PRESENCE: settings.presence,
        SKILL_CHOICES: skill_choices,
        ENTRANCE: entrance,
        OUTWARD: outward,
        FEEDS: feeds,
        DESK: desk,
        HOURS_USERS: HOURS_USED_BY,
        TRUSTED_PROXIES: settings.server.trusted_proxies,
    }


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def make_shell(gate: StaffGate, url: str, *, simulated: bool, banners: Sequence[BannerSource] = ()) -> Shell:
    """
    Make the frame of every page.
    """
    return Shell(
        assets=Assets(),
        gate=gate,
        packages=TEMPLATE_PACKAGES,
        nav=NAV,
        banner_sources=(account_banners, outbox_banners, webhook_banners, *banners),
        bell=unread_count,
        simulated=simulated,
        secure_cookies=url.startswith("https://"),
    )


def _schedule(
    scheduler: Scheduler, database: Database, live: LiveEvents, pollers: Pollers, settings: Settings
) -> None:
    async def tidy() -> None:
        await live.prune(settings.live.keep)
        async with database.write(patient=True) as work:
            await prune_answers(work)
            await prune_looking(work)
            await prune_notices(work, work.now - NOTICES_KEPT)
            await staff_store.prune(work, failures_before=work.now - settings.sign_in.per)

    scheduler.every("accounts.sync", SYNC_EVERY, pollers.sync)
    scheduler.every("tidy", TIDY_EVERY, tidy)
    staff_jobs.schedule(scheduler, database)
    webhook_jobs.schedule(scheduler, database, settings.webhooks)
    inbox_jobs.schedule(scheduler, database, settings.queue)


def listen(host: str, port: int) -> socket.socket:
    """
    Take the port before anything else starts.

    Raises:
        PortTaken: somebody listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise PortTaken(f"{host}:{port} ({error.strerror}); choose another with `server.port`") from error


async def _serve(stack: AsyncExitStack, app: web.Application, listening: socket.socket) -> None:
    runner = web.AppRunner(app, access_log=None, logger=server_log(), shutdown_timeout=5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listening).start()
