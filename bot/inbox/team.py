"""
The team at work: who is here, what they have, and what there is to be skilled in.
"""

from __future__ import annotations

from bot.accounts.service import list_accounts
from bot.core.database import UnitOfWork
from bot.staff.presence_pages import SkillChoices
from responses import Intent


async def skill_choices(work: UnitOfWork) -> SkillChoices:
    """
    Give what an agent can be skilled in.
    """
    accounts = [(account.id, account.name) for account in await list_accounts(work)]
    return SkillChoices(accounts=accounts, intents=[(intent.value, intent.value) for intent in Intent])
