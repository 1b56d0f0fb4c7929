"""
The verbs about staff, API tokens and the audit trail. How people get in is in `bot.staff.sign_in`.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from enum import StrEnum

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, Invalid
from bot.core.paging import Slice
from bot.staff import store
from bot.staff.rules import (
    Role,
    Staff,
    Token,
    clean_login,
    expiry_problem,
    login_problem,
    may,
    name_problem,
    role_problem,
)
from bot.staff.tables import ApiToken, AuditEntry, StaffMember

TOKEN_PREFIX = "hub_"
"""Lets a person, or a scanner of source code, see what a stray string is."""

SECRET_WORDS = ("password", "secret", "token", "cookie", "credential", "authorization")
TOPIC = "staff"


def fingerprint(secret: str) -> str:
    """
    Give what is kept of a secret of 256 random bits; it cannot be guessed, so a plain SHA-256 is enough.
    """
    # A header may hold bytes that are no text; they match nothing, but must not break anything either.
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


async def audit(
    work: UnitOfWork, actor: Actor, action: str, subject_kind: str, subject_id: str, **detail: object
) -> None:
    """
    Write who did what to what, and further words about it; never a secret.

    Args:
        action: a verb of the product, `"account.stop"`.
        detail: text, numbers, truth values, instants and lists of these.
    """
    if leaks := [name for name in detail if name.lower() in SECRET_WORDS]:
        raise ValueError(f"the audit trail takes no secrets: {leaks}")
    work.session.add(
        AuditEntry(
            id=work.new_id(),
            at=work.now,
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            detail={name: _plain(value) for name, value in detail.items()},
        )
    )
    await work.session.flush()


def _plain(value: object) -> object:
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, StrEnum)):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, datetime) else str(value)


async def list_audit(
    work: UnitOfWork,
    *,
    limit: int = 50,
    after: str | None = None,
    subject_kind: str = "",
    subject_id: str = "",
) -> Slice[AuditEntry]:
    """
    List the audit trail, newest first.
    """
    return await store.list_audit(work, limit=limit, after=after, subject_kind=subject_kind, subject_id=subject_id)


async def add_staff(
    work: UnitOfWork, actor: Actor, *, login: str, name: str, role: str, password_hash: str | None = None
) -> Staff:
    """
    Let somebody work here.

    Args:
        password_hash: from `prepare_password`; None: signs in by link only.

    Raises:
        Invalid: with the fields login, name, role.
    """
    login = clean_login(login)
    _refuse({"login": login_problem(login), "name": name_problem(name), "role": role_problem(role)})
    row = StaffMember(
        id=work.new_id(),
        login=login,
        name=name.strip(),
        role=role,
        password_hash=password_hash,
        created_at=work.now,
    )
    if not await store.insert_staff(work, row):
        raise Invalid(fields={"login": "somebody else has this login"})
    await audit(work, actor, "staff.add", "staff", row.id, login=login, role=role)
    work.publish(TOPIC)
    return store.staff_of(row)


async def get_staff(work: UnitOfWork, id_or_login: str) -> Staff:
    """
    Give somebody by id or login.

    Raises:
        NotFound: nobody has it.
    """
    return store.staff_of(await store.get_staff_row(work, id_or_login))


async def list_staff(work: UnitOfWork, *, limit: int = 50, after: str | None = None) -> Slice[Staff]:
    """
    List everybody by login.
    """
    return await store.list_staff(work, limit=limit, after=after)


async def colleagues_who_may(work: UnitOfWork, permission: str) -> list[Staff]:
    """
    Give everybody who works here now and may do something, by name.
    """
    return await store.list_with_roles(work, [role for role in Role if may(role, permission)])


async def choose_language(work: UnitOfWork, actor: Actor, ui_language: str) -> None:
    """
    Keep in which language somebody reads pages; empty: as their browser asks. It is theirs alone, so no audit.
    """
    (await store.get_staff_row(work, actor.id)).ui_language = ui_language


async def disable_staff(work: UnitOfWork, actor: Actor, staff_id: str) -> Staff:
    """
    Shut somebody out, at once and everywhere. Twice is the same as once.

    Raises:
        Conflict: they are the last admin.
    """
    await _keep_an_admin(work, staff_id)
    row = await store.get_staff_row(work, staff_id)
    if row.disabled_at is None:
        row.disabled_at = work.now
        await store.drop_entrances(work, row.id)
        await audit(work, actor, "staff.disable", "staff", row.id, login=row.login)
        work.publish(TOPIC)
    return store.staff_of(row)


async def enable_staff(work: UnitOfWork, actor: Actor, staff_id: str) -> Staff:
    """
    Let somebody in again; they sign in anew.
    """
    row = await store.get_staff_row(work, staff_id)
    if row.disabled_at is not None:
        row.disabled_at = None
        await audit(work, actor, "staff.enable", "staff", row.id, login=row.login)
        work.publish(TOPIC)
    return store.staff_of(row)


async def change_role(work: UnitOfWork, actor: Actor, staff_id: str, role: str) -> Staff:
    """
    Give somebody another role; it holds from their next click.

    Raises:
        Invalid: there is no such role.
        Conflict: they are the last admin.
    """
    _refuse({"role": role_problem(role)})
    if role != Role.ADMIN:
        await _keep_an_admin(work, staff_id)
    row = await store.get_staff_row(work, staff_id)
    if row.role != role:
        before, row.role = row.role, role
        await audit(work, actor, "staff.change-role", "staff", row.id, before=before, after=role)
        work.publish(TOPIC)
    return store.staff_of(row)


async def change_password(
    work: UnitOfWork, actor: Actor, staff_id: str, password_hash: str, *, keep_cookie: str = ""
) -> Staff:
    """
    Keep a new password's hash (from `prepare_password`) and sign them out everywhere else.

    Args:
        keep_cookie: of the browser in which they changed it themselves.
    """
    row = await store.get_staff_row(work, staff_id)
    row.password_hash = password_hash
    await store.drop_entrances(work, row.id, keep_session=fingerprint(keep_cookie) if keep_cookie else "")
    await audit(work, actor, "staff.change-password", "staff", row.id, login=row.login)
    return store.staff_of(row)


async def _keep_an_admin(work: UnitOfWork, staff_id: str) -> None:
    admins = await store.lock_admins(work)
    if admins == [(await store.get_staff_row(work, staff_id)).id]:
        raise Conflict("this is the last admin; make somebody else an admin first")


async def create_token(
    work: UnitOfWork, actor: Actor, *, name: str, role: str, expires_at: datetime | None = None
) -> tuple[Token, str]:
    """
    Make an API token; gives it and its secret, which is shown once and not kept.

    Raises:
        Invalid: with the fields name, role, expires_at.
    """
    _refuse(
        {
            "name": name_problem(name),
            "role": role_problem(role),
            "expires_at": expiry_problem(expires_at, work.now),
        }
    )
    plain = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        id=work.new_id(),
        name=name.strip(),
        role=role,
        token_hash=fingerprint(plain),
        created_at=work.now,
        created_by=actor.name,
        expires_at=expires_at,
    )
    work.session.add(row)
    await audit(work, actor, "token.create", "token", row.id, name=row.name, role=role, expires_at=expires_at)
    return store.token_of(row), plain


async def list_tokens(work: UnitOfWork, *, limit: int = 50, after: str | None = None) -> Slice[Token]:
    """
    List tokens, newest first.
    """
    return await store.list_tokens(work, limit=limit, after=after)


async def revoke_token(work: UnitOfWork, actor: Actor, token_id: str) -> Token:
    """
    Make a token useless at once. Twice is the same as once.
    """
    row = await store.get_token_row(work, token_id)
    if row.revoked_at is None:
        row.revoked_at = work.now
        await audit(work, actor, "token.revoke", "token", row.id, name=row.name)
    return store.token_of(row)


def _refuse(problems: dict[str, str | None]) -> None:
    if found := {name: text for name, text in problems.items() if text}:
        raise Invalid(fields=found)
