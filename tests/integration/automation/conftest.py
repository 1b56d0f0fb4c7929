"""
A house with rules in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.automation import acting, service, store
from bot.automation.tables import RuleRow
from bot.automation.wishes import Wish
from bot.core.actor import HUBBUB
from bot.core.database import Database
from bot.core.live import LiveEvents
from bot.inbox import store as inbox_store
from bot.inbox.reactions import Reactions
from tests.integration.inbox.house import House


@dataclass
class RuledHouse(House):
    """
    What tests do with rules, each verb one unit of work.
    """

    async def rule(self, name: str, when: str, *then: tuple[str, str], **more) -> str:
        """
        Add a rule; gives its id.
        """
        actions = [{"do": do, "value": value} for do, value in then]
        async with self.database.write() as work:
            wish = Wish(name=name, when=when.split(), then=actions, **more)
            return (await service.create_rule(work, HUBBUB, wish)).id

    async def run(self) -> None:
        """
        Let everything happen that follows from events, until nothing follows any more.
        """
        async with LiveEvents(self.database) as live:
            reactions = Reactions(self.database, live, [acting.reaction("https://hubbub.example")])
            while await reactions.round():
                pass

    async def see_rule(self, rule_id: str) -> RuleRow:
        async with self.database.read() as work:
            return await store.get_rule(work, rule_id)

    async def tags(self, conversation_id: str) -> list[str]:
        async with self.database.read() as work:
            found = await inbox_store.tags_of(work, [conversation_id])
            return sorted(found.get(conversation_id, ()))


@pytest.fixture
async def house(database: Database) -> RuledHouse:
    built = RuledHouse(database)
    await built.build()
    return built
