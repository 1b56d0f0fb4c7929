"""
How people get in and out: by password, by a link that works once, and the sessions that follow.

A try with a password is three steps, because hashing takes long and a unit of work must not: a unit that counts
the try as failed beforehand (so that a thousand at once are not all let through), the check in a thread, and a
unit that takes the count back and begins the session.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web
from sqlmodel import col

from bot.core.actor import Actor
from bot.core.database import Database, UnitOfWork
from bot.core.errors import Conflict, Invalid, TooMany
from bot.settings import SessionSettings, SignInSettings
from bot.staff import store
from bot.staff.passwords import Checked, check_password
from bot.staff.rules import ADDRESS_FACTOR, Staff, clean_login, wait_before_sign_in
from bot.staff.service import audit, fingerprint
from bot.staff.tables import SignInFailure, SignInLink, StaffSession

LINK_VALID = timedelta(minutes=15)
WRONG = "That name and password do not belong together."
USELESS = "This link has been used or is too old. Ask for a new one."
LONGEST_KEPT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """
    A session that just began; the cookie is in no other place than the browser.
    """

    cookie: str
    csrf: str
    staff: Staff

    def __repr__(self) -> str:
        return f"NewSession({self.staff.login!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """
    The door people come in by.

    Args:
        base_url: under which people reach the pages, for links.
    """

    database: Database
    sessions: SessionSettings
    tries: SignInSettings
    base_url: str = ""

    async def sign_in(
        self, login: str, password: str, *, address: str, browser: str = "", replaces: str = ""
    ) -> NewSession:
        """
        Sign in with a password.

        Args:
            replaces: the cookie the browser had before; that session ends.

        Raises:
            TooMany: too many failed, by this login or from this address; the right password does not help.
            Invalid: the login is unknown, disabled or has no password, or the password is wrong; not told which.
        """
        async with self._tried(login, password, address) as (work, staff):
            return await self._begin(work, staff, browser, replaces, "password")

    async def confirm(self, staff: Staff, password: str, *, address: str) -> None:
        """
        Make sure that somebody who is signed in knows their password.

        Raises:
            TooMany, Invalid: as for `sign_in`; a wrong password counts as a failed try.
        """
        async with self._tried(staff.login, password, address):
            pass

    async def sign_in_by_link(self, link: str, *, browser: str = "", replaces: str = "") -> NewSession:
        """
        Sign in with the secret of a link, which is used up.

        Raises:
            Invalid: it is unknown, used up or too old.
        """
        async with self.database.write() as work:
            staff_id = await store.use_link(work, fingerprint(link))
            if staff_id is None:
                raise Invalid(USELESS)
            row = await store.get_staff_row(work, staff_id)
            if row.disabled_at is not None:
                raise Invalid(USELESS)
            return await self._begin(work, store.staff_of(row), browser, replaces, "link")

    @asynccontextmanager
    async def _tried(self, login: str, password: str, address: str) -> AsyncIterator[tuple[UnitOfWork, Staff]]:
        """
        Count, check, and open the unit in which the password is right.
        """
        login = clean_login(login)[:LONGEST_KEPT]
        async with self.database.write() as work:
            counted = await self._count_try(work, login, address[:LONGEST_KEPT])
            row = await store.find_staff_row(work, login)
            known = row.password_hash if row and row.disabled_at is None else None
        checked = await check_password(password, known)
        if not checked.right:
            raise Invalid(WRONG)
        async with self.database.write() as work:
            await store.drop_failure(work, counted)
            yield work, await self._still_right(work, login, known, checked)

    async def _count_try(self, work: UnitOfWork, login: str, address: str) -> int:
        await store.lock_sign_in(work)
        since = work.now - self.tries.per
        for column, value, attempts in (
            (col(SignInFailure.login), login, self.tries.attempts),
            (col(SignInFailure.address), address, self.tries.attempts * ADDRESS_FACTOR),
        ):
            failed = await store.failures(work, column, value, since=since, most=attempts)
            wait = wait_before_sign_in(failed, attempts=attempts, per=self.tries.per, now=work.now)
            if wait is not None:
                raise _too_many(wait)
        return await store.insert_failure(work, login, address)

    async def _still_right(self, work: UnitOfWork, login: str, known: str | None, checked: Checked) -> Staff:
        # Between the two units they may have been disabled, or their password changed.
        row = await store.find_staff_row(work, login)
        if row is None or row.disabled_at is not None or row.password_hash != known:
            raise Invalid(WRONG)
        if checked.renewed is not None:
            row.password_hash = checked.renewed
        return store.staff_of(row)

    async def _begin(self, work: UnitOfWork, staff: Staff, browser: str, replaces: str, by: str) -> NewSession:
        await store.prune(work, failures_before=work.now - self.tries.per)
        if replaces:
            await store.drop_session(work, fingerprint(replaces))
        cookie, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        work.session.add(
            StaffSession(
                id=fingerprint(cookie),
                staff_id=staff.id,
                csrf=csrf,
                created_at=work.now,
                seen_at=work.now,
                expires_at=work.now + self.sessions.longest,
                browser=browser[:LONGEST_KEPT],
            )
        )
        await audit(work, staff.actor(), "staff.sign-in", "staff", staff.id, by=by)
        return NewSession(cookie=cookie, csrf=csrf, staff=staff)


ENTRANCE = web.AppKey("ENTRANCE", Entrance)


def _too_many(wait: timedelta) -> TooMany:
    seconds = -(-wait // timedelta(seconds=1))
    minutes = -(-seconds // 60)
    words = f"Too many tries failed. Try again in {minutes} minute{'' if minutes == 1 else 's'}."
    return TooMany(words, retry_after_seconds=seconds)


async def make_sign_in_link(
    work: UnitOfWork, actor: Actor, staff_id: str, valid_for: timedelta = LINK_VALID
) -> str:
    """
    Make the secret of a link that signs somebody in once; its page is `/sign-in/SECRET`.

    Raises:
        Conflict: they are disabled.
    """
    row = await store.get_staff_row(work, staff_id)
    if row.disabled_at is not None:
        raise Conflict("they are disabled; enable them first")
    link = secrets.token_urlsafe(32)
    work.session.add(SignInLink(id=fingerprint(link), staff_id=row.id, expires_at=work.now + valid_for))
    await audit(work, actor, "staff.make-link", "staff", row.id, expires_at=work.now + valid_for)
    return link


def address_of_link(request: web.Request, secret: str) -> str:
    """
    Give the address of the page that such a link opens.
    """
    base = request.app[ENTRANCE].base_url or str(request.url.origin())
    return f"{base}/sign-in/{secret}"


async def sign_out(work: UnitOfWork, actor: Actor, cookie: str) -> None:
    """
    End the session of this cookie; no session is no error.
    """
    if await store.drop_session(work, fingerprint(cookie)):
        await audit(work, actor, "staff.sign-out", "staff", actor.id)
