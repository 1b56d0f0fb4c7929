"""
Every query about staff, their sessions and links, tokens, and the audit trail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.core.paging import Slice, decode_mark, slice_of
from bot.staff.rules import Role, Staff, Token
from bot.staff.tables import Agent, ApiToken, AuditEntry, SignInFailure, SignInLink, StaffMember, StaffSession

SIGN_IN_LOCK = 0x48554249
"""Held while tries to sign in are counted, so that many at once are not all let through (PostgreSQL)."""


def staff_of(row: StaffMember) -> Staff:
    return Staff(
        id=row.id,
        login=row.login,
        name=row.name,
        role=row.role,
        has_password=row.password_hash is not None,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        ui_language=row.ui_language,
    )


def token_of(row: ApiToken) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        role=row.role,
        created_at=row.created_at,
        created_by=row.created_by,
        used_at=row.used_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


async def insert_staff(work: UnitOfWork, row: StaffMember) -> bool:
    """
    Add somebody; False when the login is taken. One statement: the database decides.
    """
    statement = work.insert(StaffMember).values(**row.model_dump()).on_conflict_do_nothing()
    done = await work.session.execute(statement.returning(col(StaffMember.id)))
    return done.first() is not None


async def get_staff_row(work: UnitOfWork, id_or_login: str) -> StaffMember:
    """
    Give the row of somebody, by id or login.

    Raises:
        NotFound: nobody has it.
    """
    same = sa.or_(col(StaffMember.id) == id_or_login, col(StaffMember.login) == id_or_login)
    row = await work.session.scalar(sa.select(StaffMember).where(same).with_for_update())
    if row is None:
        raise NotFound("nobody here has that id or login")
    return row


async def find_staff_row(work: UnitOfWork, login: str) -> StaffMember | None:
    query = sa.select(StaffMember).where(col(StaffMember.login) == login).with_for_update()
    return await work.session.scalar(query)


async def list_staff(work: UnitOfWork, *, limit: int, after: str | None) -> Slice[Staff]:
    """
    List everybody by login, disabled ones too.
    """
    query = sa.select(StaffMember).order_by(col(StaffMember.login)).limit(limit + 1)
    if after is not None:
        query = query.where(col(StaffMember.login) > _text_mark(after))
    rows = (await work.session.scalars(query)).all()
    return slice_of(rows, limit, lambda row: [row.login]).map(staff_of)


async def list_with_roles(work: UnitOfWork, roles: Sequence[str]) -> list[Staff]:
    """
    Give everybody of some roles who is not disabled, by name.
    """
    query = sa.select(StaffMember).where(col(StaffMember.role).in_(roles), col(StaffMember.disabled_at).is_(None))
    rows = await work.session.scalars(query.order_by(col(StaffMember.name), col(StaffMember.id)))
    return [staff_of(row) for row in rows]


async def lock_admins(work: UnitOfWork) -> list[str]:
    """
    Give the ids of admins who can sign in, and keep others from changing them until the unit ends.
    """
    admins = sa.and_(col(StaffMember.role) == Role.ADMIN, col(StaffMember.disabled_at).is_(None))
    query = sa.select(StaffMember).where(admins).order_by(col(StaffMember.id)).with_for_update()
    return [row.id for row in (await work.session.scalars(query)).all()]


async def drop_entrances(work: UnitOfWork, staff_id: str, *, keep_session: str = "") -> None:
    """
    Sign somebody out everywhere (but in one browser) and make their unused links useless.
    """
    others = sa.and_(col(StaffSession.staff_id) == staff_id, col(StaffSession.id) != keep_session)
    await work.session.execute(sa.delete(StaffSession).where(others))
    await work.session.execute(sa.delete(SignInLink).where(col(SignInLink.staff_id) == staff_id))


_SESSION = (
    sa.select(StaffSession, StaffMember, col(Agent.chosen))
    .join(StaffMember, col(StaffMember.id) == col(StaffSession.staff_id))
    .outerjoin(Agent, col(Agent.id) == col(StaffSession.staff_id))
    .where(col(StaffSession.id) == sa.bindparam("session"), col(StaffMember.disabled_at).is_(None))
)
"""Built once: every page asks this."""


async def find_session(work: UnitOfWork, session_id: str) -> tuple[StaffSession, Staff, str | None] | None:
    """
    Find a session of somebody who is not disabled, by the hash of its cookie; it may have run out.

    The last part is the presence that they chose, if they ever did.
    """
    found = (await work.session.execute(_SESSION, {"session": session_id})).first()
    return (found[0], staff_of(found[1]), found[2]) if found else None


async def drop_session(work: UnitOfWork, session_id: str) -> str | None:
    """
    End a session; gives whose it was.
    """
    ended = sa.delete(StaffSession).where(col(StaffSession.id) == session_id)
    return await work.session.scalar(ended.returning(col(StaffSession.staff_id)))


async def mark_seen(work: UnitOfWork, session_ids: Sequence[str], token_ids: Sequence[str]) -> None:
    """
    Note that these sessions and tokens were used now.
    """
    if session_ids:
        seen = sa.update(StaffSession).where(col(StaffSession.id).in_(session_ids))
        await work.session.execute(seen.values(seen_at=work.now))
    if token_ids:
        used = sa.update(ApiToken).where(col(ApiToken.id).in_(token_ids))
        await work.session.execute(used.values(used_at=work.now))


async def use_link(work: UnitOfWork, link_id: str) -> str | None:
    """
    Use up a link; gives whose it was, or None when it is unknown, used or too old. One statement decides.
    """
    fresh = sa.and_(
        col(SignInLink.id) == link_id, col(SignInLink.used_at).is_(None), col(SignInLink.expires_at) > work.now
    )
    used = sa.update(SignInLink).where(fresh).values(used_at=work.now)
    return await work.session.scalar(used.returning(col(SignInLink.staff_id)))


async def failures(work: UnitOfWork, column: Any, value: str, *, since: datetime, most: int) -> Sequence[datetime]:
    """
    Give when the newest `most` failed tries of a login or an address were.
    """
    query = (
        sa.select(col(SignInFailure.at))
        .where(column == value, col(SignInFailure.at) > since)
        .order_by(col(SignInFailure.at).desc())
        .limit(most)
    )
    return (await work.session.scalars(query)).all()


async def lock_sign_in(work: UnitOfWork) -> None:
    if work.dialect == "postgresql":
        await work.session.execute(sa.select(sa.func.pg_advisory_xact_lock(SIGN_IN_LOCK)))


async def insert_failure(work: UnitOfWork, login: str, address: str) -> int:
    row = SignInFailure(login=login, address=address, at=work.now)
    work.session.add(row)
    await work.session.flush()
    assert row.id is not None
    return row.id


async def drop_failure(work: UnitOfWork, failure_id: int) -> None:
    await work.session.execute(sa.delete(SignInFailure).where(col(SignInFailure.id) == failure_id))


async def prune(work: UnitOfWork, *, failures_before: datetime) -> None:
    """
    Delete sessions and links that ran out, and failed tries that are forgotten.
    """
    await work.session.execute(sa.delete(StaffSession).where(col(StaffSession.expires_at) <= work.now))
    await work.session.execute(sa.delete(SignInLink).where(col(SignInLink.expires_at) <= work.now))
    await work.session.execute(sa.delete(SignInFailure).where(col(SignInFailure.at) <= failures_before))


async def find_token(work: UnitOfWork, token_hash: str) -> Token | None:
    row = await work.session.scalar(sa.select(ApiToken).where(col(ApiToken.token_hash) == token_hash))
    return token_of(row) if row else None


async def get_token_row(work: UnitOfWork, token_id: str) -> ApiToken:
    """
    Give the row of a token.

    Raises:
        NotFound: there is none.
    """
    row = await work.session.scalar(sa.select(ApiToken).where(col(ApiToken.id) == token_id).with_for_update())
    if row is None:
        raise NotFound("there is no token of that id")
    return row


async def list_tokens(work: UnitOfWork, *, limit: int, after: str | None) -> Slice[Token]:
    """
    List tokens, newest first, those that no longer work too.
    """
    query = sa.select(ApiToken).order_by(col(ApiToken.id).desc()).limit(limit + 1)
    if after is not None:
        query = query.where(col(ApiToken.id) < _text_mark(after))
    rows = (await work.session.scalars(query)).all()
    return slice_of(rows, limit, lambda row: [row.id]).map(token_of)


async def list_audit(
    work: UnitOfWork, *, limit: int, after: str | None, subject_kind: str = "", subject_id: str = ""
) -> Slice[AuditEntry]:
    """
    List the trail, newest first; of one kind of subject, or of one subject, if asked.
    """
    query = sa.select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(limit + 1)
    if subject_kind:
        query = query.where(col(AuditEntry.subject_kind) == subject_kind)
    if subject_id:
        query = query.where(col(AuditEntry.subject_id) == subject_id)
    if after is not None:
        query = query.where(col(AuditEntry.id) < _text_mark(after))
    rows = (await work.session.scalars(query)).all()
    return slice_of(rows, limit, lambda row: [row.id])


def _text_mark(after: str) -> str:
    return str(decode_mark(after, parts=1)[0])
