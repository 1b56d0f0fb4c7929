"""
Presence and skills over JSON: a program that answers customers is an agent like any other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from bot.core.errors import NotFound
from bot.staff import presence
from bot.staff.presence_pages import settings_of
from bot.staff.rules import LARGEST_CAPACITY, MOST_SKILLS, AgentNow, Permission, Profile
from bot.web.operations import Body, Call, operation

TAG = "agents"
Shown = Literal["here", "busy", "away", "offline"]


class PresenceIn(Body):
    """
    A sign of life, and what one is from now on.
    """

    presence: Literal["here", "busy", "away"] | None = Field(
        default=None, description="left out: as chosen before; a token is here at first"
    )


class PresenceOut(BaseModel):
    """
    What one is now.
    """

    presence: Shown
    alive_for_seconds: float = Field(description="offline after this long without another sign of life")


class SkillsIn(Body):
    """
    What an agent takes. Empty lists mean everything.
    """

    capacity: int = Field(default=5, ge=0, le=LARGEST_CAPACITY, description="conversations that wait, at once")
    languages: list[str] = Field(default=[], max_length=MOST_SKILLS, description='codes such as "en"')
    account_ids: list[str] = Field(default=[], max_length=MOST_SKILLS)
    intents: list[str] = Field(default=[], max_length=MOST_SKILLS)
    hand_out: bool = Field(default=True, description="false: work only when they ask for it")


class AgentOut(BaseModel):
    """
    Somebody who answers, as they are now.
    """

    id: str = Field(description="of the staff member or the token")
    name: str
    role: str
    presence: Shown
    since: datetime | None = Field(description="when the presence last changed; null: never here")
    capacity: int
    languages: list[str] = Field(description="empty: all, as the next two")
    account_ids: list[str]
    intents: list[str]
    hand_out: bool


class AgentsOut(BaseModel):
    """
    Everybody who answers.
    """

    items: list[AgentOut]


@operation("POST", "/me/presence", permission=Permission.CONVERSATIONS_ANSWER, tag=TAG)
async def set_own_presence(call: Call, body: PresenceIn) -> PresenceOut:
    """
    Give a sign of life, and say what one is; repeat it every 20 to 30 seconds.
    """
    settings = settings_of(call.request)
    if body.presence is None:
        now = await presence.beat(call.work, call.actor, settings)
    else:
        now = await presence.choose(call.work, call.actor, body.presence, settings)
    return PresenceOut(presence=now.value, alive_for_seconds=settings.offline_after.total_seconds())


@operation("GET", "/agents", permission=Permission.CONVERSATIONS_ANSWER, tag=TAG)
async def list_agents(call: Call) -> AgentsOut:
    """
    List everybody who answers, with their presence and what they take, by name.
    """
    return AgentsOut(items=[agent_out(one) for one in await presence.list_agents(call.work)])


@operation("POST", "/agents/{id}/skills", permission=Permission.STAFF_SKILLS, tag=TAG)
async def change_skills(call: Call, id: str, body: SkillsIn) -> AgentOut:
    """
    Set what an agent takes, a staff member or a token.
    """
    profile = Profile(
        capacity=body.capacity,
        languages=tuple(body.languages),
        account_ids=tuple(body.account_ids),
        intents=tuple(body.intents),
        hand_out=body.hand_out,
    )
    await presence.change_profile(call.work, call.actor, id, profile)
    agent = await presence.find_agent(call.work, id)
    if agent is None:
        raise NotFound("they do not answer conversations, so they take nothing")
    return agent_out(agent)


def agent_out(one: AgentNow) -> AgentOut:
    """
    Show an agent.
    """
    return AgentOut(
        id=one.id,
        name=one.name,
        role=one.role,
        presence=one.presence.value,
        since=one.since,
        capacity=one.profile.capacity,
        languages=list(one.profile.languages),
        account_ids=list(one.profile.account_ids),
        intents=list(one.profile.intents),
        hand_out=one.profile.hand_out,
    )
