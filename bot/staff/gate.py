"""
Who is at the door: the shell's `Gate` over sessions and tokens.

When somebody was last seen is written at most once a minute, in a unit of its own: a page that only reads must not
wait for a writer.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from types import TracebackType

import sqlalchemy as sa
import structlog

from bot.core.actor import Actor
from bot.core.database import Database, UnitOfWork
from bot.settings import SessionSettings
from bot.staff import store
from bot.staff.rules import Permission, first_choice, may
from bot.staff.service import fingerprint
from bot.web.gate import SignedIn

log = structlog.get_logger(__name__)

NOTED_EVERY = timedelta(minutes=1)


class StaffGate:
    """
    Tells who a cookie or a token belongs to. Leave it (`async with`) before the database closes.
    """

    def __init__(self, database: Database, sessions: SessionSettings) -> None:
        self._database = database
        self._idle = sessions.idle
        self._seen: tuple[set[str], set[str]] = (set(), set())
        self._noting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> StaffGate:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._noting is not None:
            await self._noting

    def may(self, role: str, permission: str) -> bool:
        return may(role, permission)

    async def session(self, work: UnitOfWork, cookie: str) -> SignedIn | None:
        """
        Tell whose live session this cookie is.
        """
        found = await store.find_session(work, fingerprint(cookie))
        if found is None:
            return None
        row, staff, chosen = found
        if row.expires_at <= work.now or row.seen_at + self._idle <= work.now:
            return None
        if row.seen_at + NOTED_EVERY <= work.now:
            self._note(session_id=row.id)
        answers = may(staff.role, Permission.CONVERSATIONS_ANSWER)
        presence = (chosen or first_choice(staff.role)) if answers else ""
        return SignedIn(actor=staff.actor(), csrf=row.csrf, language=staff.ui_language, presence=presence)

    async def token(self, work: UnitOfWork, bearer: str) -> Actor | None:
        """
        Tell whose token this is, if it still works.
        """
        token = await store.find_token(work, fingerprint(bearer))
        if token is None or not token.works(work.now):
            return None
        if _is_old(token.used_at, work.now):
            self._note(token_id=token.id)
        return token.actor()

    def _note(self, *, session_id: str = "", token_id: str = "") -> None:
        # Not in the request's own unit: it may only read, and on SQLite a writer inside a writer waits for ever.
        self._seen[0].update({session_id} - {""})
        self._seen[1].update({token_id} - {""})
        if self._noting is None or self._noting.done():
            self._noting = asyncio.create_task(self._write(), name="staff-seen")

    async def _write(self) -> None:
        while any(self._seen):
            (sessions, tokens), self._seen = self._seen, (set(), set())
            try:
                async with self._database.write(patient=True) as work:
                    await store.mark_seen(work, sorted(sessions), sorted(tokens))
            except (sa.exc.SQLAlchemyError, OSError) as error:
                log.warning("cannot note who was seen", action="staff.seen", error=type(error).__name__)


def _is_old(used_at: datetime | None, now: datetime) -> bool:
    return used_at is None or used_at + NOTED_EVERY <= now
