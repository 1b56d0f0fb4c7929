"""
Who is here: signs of life, what people choose, what they take. Rows in the database, so that every node knows.

The life of a presence::

    offline --a beat, or a choice--> what was chosen last: here, busy or away
    here    --idle_at passes-------> away     (they left the desk; a touch brings them back)
    any     --alive_until passes---> offline  (every page is closed, asleep or cut off)

A beat comes from every open page, seen or not, a few times within `presence.offline_after`; one is enough, so
several tabs and several nodes need not know of each other. The stream of live events is no sign of life: a machine
that fell asleep keeps its connection for a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Invalid, NotFound
from bot.settings import PresenceSettings
from bot.staff.rules import (
    CHOICES,
    AgentNow,
    Permission,
    Presence,
    Profile,
    Role,
    clean_login,
    drifted_at,
    first_choice,
    may,
    presence_of,
    profile_problems,
)
from bot.staff.service import audit
from bot.staff.tables import Agent, ApiToken, PresenceChange, StaffMember

TOPIC = "presence"
FRESH_SHARE = 0.8
"""A beat is written only when less than this share of the last one is left: many tabs write as seldom as one."""


async def beat(work: UnitOfWork, actor: Actor, settings: PresenceSettings, *, touched: bool = True) -> Presence:
    """
    Take a sign of life.

    Args:
        touched: a person did something since the last one; else only their page is open.
    """
    row = await _locked(work, actor)
    row.alive_until = work.now + settings.offline_after
    if touched or row.idle_at is None:
        row.idle_at = work.now + settings.idle_after
    return await _tell(work, row, work.now)


async def still_fresh(
    work: UnitOfWork, actor: Actor, settings: PresenceSettings, *, touched: bool
) -> Presence | None:
    """
    Give somebody's presence if a beat would tell nothing new, so that it need not be written; else None.
    """
    row = await work.session.get(Agent, actor.id)
    if row is None or _presence(row, work.now) != row.told:
        return None
    alive = _left(row.alive_until, work.now) >= settings.offline_after * FRESH_SHARE
    known = not touched or _left(row.idle_at, work.now) >= settings.idle_after * FRESH_SHARE
    return Presence(row.told) if alive and known else None


def _left(until: datetime | None, now: datetime) -> timedelta:
    return until - now if until is not None else timedelta(0)


async def choose(work: UnitOfWork, actor: Actor, chosen: str, settings: PresenceSettings) -> Presence:
    """
    Say oneself whether one is here, busy or away; it holds until one says otherwise, over nights too.

    Raises:
        Invalid: there is no such choice.
    """
    if chosen not in CHOICES:
        raise Invalid(fields={"presence": f"one of {', '.join(CHOICES)}"})
    row = await _locked(work, actor)
    row.chosen = chosen
    return await beat(work, actor, settings)


async def leave(work: UnitOfWork, actor: Actor) -> None:
    """
    Be offline at once, as when signing out; a page that is still open elsewhere brings one back.
    """
    query = sa.select(Agent).where(col(Agent.id) == actor.id).with_for_update()
    row = (await work.session.scalars(query)).first()
    if row is not None:
        row.alive_until = work.now
        await _tell(work, row, work.now)


async def lock_agent(work: UnitOfWork, actor: Actor) -> tuple[Presence, Profile]:
    """
    Keep others from giving work to an agent until the unit ends, so that counting what they have is safe.

    Gives their presence and what they take; who never set a profile takes everything.
    """
    row = await _locked(work, actor)
    return _presence(row, work.now), _profile(row)


async def change_profile(work: UnitOfWork, actor: Actor, agent_id: str, profile: Profile) -> Profile:
    """
    Set what an agent takes, a staff member or a token; it holds for the next conversation they get.

    Raises:
        Invalid: with the fields that cannot be used.
        NotFound: nobody has that id.
    """
    if problems := profile_problems(profile):
        raise Invalid(fields=problems)
    role = await _role_of(work, agent_id)
    row = await _get_or_add(work, agent_id, first_choice(role))
    if _profile(row) != profile:
        row.capacity, row.hand_out = profile.capacity, profile.hand_out
        row.languages, row.account_ids = list(profile.languages), list(profile.account_ids)
        row.intents = list(profile.intents)
        words = {name: getattr(profile, name) for name in Profile.__slots__}
        await audit(work, actor, "staff.change-skills", "staff", agent_id, **words)
        work.publish(TOPIC)
    return profile


async def list_agents(work: UnitOfWork, ids: Sequence[str] | None = None) -> list[AgentNow]:
    """
    Give everybody who may answer now, staff and such tokens as ever were here, by name; only of `ids` if asked.
    """
    since = (
        sa.select(sa.func.max(col(PresenceChange.at)))
        .where(col(PresenceChange.agent_id) == col(Agent.id))
        .scalar_subquery()
    )
    found: list[AgentNow] = []
    for query in (_staff_query(since), _token_query(since, work.now)):
        asked = query if ids is None else query.where(query.selected_columns[0].in_(ids))
        found += [_now(row, work.now) for row in await work.session.execute(asked)]
    return sorted(found, key=lambda one: (one.name.casefold(), one.id))


async def present_agents(work: UnitOfWork) -> list[AgentNow]:
    """
    Give those who are here and can be given work.
    """
    return [one for one in await list_agents(work) if one.presence is Presence.HERE]


async def find_agent(work: UnitOfWork, agent_id: str) -> AgentNow | None:
    """
    Find an agent as they are now; None when they no longer answer here.
    """
    return next(iter(await list_agents(work, [agent_id])), None)


async def left_desk(work: UnitOfWork, agent_id: str) -> bool:
    """
    Say whether somebody's pages are known not to have been touched for long.
    """
    idle_at = await work.session.scalar(sa.select(col(Agent.idle_at)).where(col(Agent.id) == agent_id))
    return idle_at is not None and idle_at <= work.now


async def agent_called(work: UnitOfWork, login_or_id: str) -> AgentNow:
    """
    Give a staff member by login, or a token by id, as an agent.

    Raises:
        NotFound: there is none that may answer; a token counts once it was given skills or a presence.
    """
    login = clean_login(login_or_id)
    found = [one for one in await list_agents(work) if login_or_id == one.id or (login and login == one.login)]
    if not found:
        raise NotFound("nobody who answers has that login or id; `hubbub staff presence` lists them")
    return found[0]


async def follow_time(work: UnitOfWork) -> int:
    """
    Write down who fell silent or left the desk since the last look, at its true time. Gives how many.
    """
    query = sa.select(Agent).where(
        sa.or_(
            sa.and_(col(Agent.told) != Presence.OFFLINE, col(Agent.alive_until) <= work.now),
            sa.and_(col(Agent.told) == Presence.HERE, col(Agent.idle_at) <= work.now),
        )
    )
    changed = 0
    for row in await work.session.scalars(query.with_for_update(skip_locked=True)):
        at = drifted_at(row.told, row.chosen, alive_until=row.alive_until, idle_at=row.idle_at, now=work.now)
        if at is not None:
            await _tell(work, row, at)
            changed += 1
    return changed


async def _tell(work: UnitOfWork, row: Agent, at: datetime) -> Presence:
    presence = _presence(row, work.now)
    if presence != row.told:
        row.told = presence
        work.session.add(PresenceChange(id=work.new_id(), agent_id=row.id, at=at, presence=presence))
        work.publish(TOPIC)
    await work.session.flush()
    return presence


async def _locked(work: UnitOfWork, actor: Actor) -> Agent:
    return await _get_or_add(work, actor.id, first_choice(actor.role) if actor.kind == "staff" else Presence.HERE)


async def _get_or_add(work: UnitOfWork, agent_id: str, chosen: Presence) -> Agent:
    query = sa.select(Agent).where(col(Agent.id) == agent_id).with_for_update()
    query = query.execution_options(populate_existing=True)
    row = (await work.session.scalars(query)).first()
    if row is None:
        fresh = Agent(id=agent_id, chosen=chosen).model_dump()
        await work.session.execute(work.insert(Agent).values(**fresh).on_conflict_do_nothing())
        row = (await work.session.scalars(query)).one()
    return row


async def _role_of(work: UnitOfWork, agent_id: str) -> str:
    for table in (StaffMember, ApiToken):
        role = await work.session.scalar(sa.select(col(table.role)).where(col(table.id) == agent_id))
        if role is not None:
            return role
    raise NotFound("nobody here has that id")


def _answering() -> list[str]:
    return [role for role in Role if may(role, Permission.CONVERSATIONS_ANSWER)]


def _staff_query(since: Any) -> Any:
    S = StaffMember
    return (
        sa.select(col(S.id), col(S.name), col(S.login), col(S.role), Agent, since)
        .outerjoin(Agent, col(Agent.id) == col(S.id))
        .where(col(S.disabled_at).is_(None), col(S.role).in_(_answering()))
    )


def _token_query(since: Any, now: datetime) -> Any:
    T = ApiToken
    return (
        sa.select(col(T.id), col(T.name), sa.literal(""), col(T.role), Agent, since)
        .join(Agent, col(Agent.id) == col(T.id))
        .where(
            col(T.revoked_at).is_(None),
            sa.or_(col(T.expires_at).is_(None), col(T.expires_at) > now),
            col(T.role).in_(_answering()),
        )
    )


def _now(found: Any, now: datetime) -> AgentNow:
    agent_id, name, login, role, row, since = found
    presence = _presence(row, now) if row is not None else Presence.OFFLINE
    profile = _profile(row) if row is not None else Profile()
    return AgentNow(
        id=agent_id, name=name, login=login, role=role, presence=presence, since=since, profile=profile
    )


def _presence(row: Agent, now: datetime) -> Presence:
    return presence_of(row.chosen, alive_until=row.alive_until, idle_at=row.idle_at, now=now)


def _profile(row: Agent) -> Profile:
    return Profile(
        capacity=row.capacity,
        languages=tuple(row.languages),
        account_ids=tuple(row.account_ids),
        intents=tuple(row.intents),
        hand_out=row.hand_out,
    )
