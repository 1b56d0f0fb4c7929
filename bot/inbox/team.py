"""
The team at work: who is here, what they have, and what there is to be skilled in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.accounts.service import list_accounts
from bot.core.database import UnitOfWork
from bot.inbox import dispatch_store
from bot.inbox.dispatch_store import Load
from bot.staff.presence import list_agents
from bot.staff.presence_pages import SkillChoices
from bot.staff.rules import AgentNow, Presence
from responses import Intent

NEAREST = tuple(Presence)
"""Who is here stands first, who is offline last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """
    An agent with what they have.
    """

    agent: AgentNow
    load: Load


async def team_now(work: UnitOfWork) -> list[Member]:
    """
    Give everybody who answers and what waits for them: those who are here first, then by name.
    """
    loads = await dispatch_store.loads(work)
    members = [Member(agent=one, load=loads.get(one.id, Load())) for one in await list_agents(work)]
    return sorted(members, key=lambda one: NEAREST.index(one.agent.presence))


def room_of(members: Sequence[Member]) -> int:
    """
    Say how many more conversations those who are here can take.
    """
    here = [one for one in members if one.agent.presence is Presence.HERE]
    return sum(max(0, one.agent.profile.capacity - one.load.waiting) for one in here)


async def skill_choices(work: UnitOfWork) -> SkillChoices:
    """
    Give what an agent can be skilled in.
    """
    accounts = [(account.id, account.name) for account in await list_accounts(work)]
    return SkillChoices(accounts=accounts, intents=[(intent.value, intent.value) for intent in Intent])
