"""
What the benchmark of the queue works on: its settings, people, accounts, views, and the many conversations.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bot.accounts.tables import Account
from bot.bench.loopback import NAME
from bot.bench.queue_load import LANGUAGES, load
from bot.contacts.service import meet
from bot.core.actor import HUBBUB, Actor
from bot.core.database import Database, UnitOfWork
from bot.inbox.matching import Conditions
from bot.inbox.rules import State
from bot.inbox.selection import NOBODY, Selection
from bot.inbox.tables import Conversation
from bot.inbox.view_tables import SavedView
from bot.reports.simulation import HOURS
from bot.settings import Settings as HouseSettings
from bot.staff.service import add_staff
from bot.staff.sign_in import Entrance, make_sign_in_link
from connectors.base import Author

A_DAY = 10_000
PEAK_SHARE = max(HOURS.values()) / sum(HOURS.values())
ACCOUNTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What is measured.

    Args:
        seconds: of the load; the idle yardstick takes a third of it.
        times: of the peak hour of a day of 10,000.
        url: an empty PostgreSQL database; None: an SQLite file.
    """

    conversations: int = 1_000_000
    agents: int = 30
    views: int = 30
    seconds: float = 60.0
    times: float = 10.0
    reads: int = 200
    claims: int = 2_000
    url: str | None = None

    @property
    def per_second(self) -> float:
        return self.times * A_DAY * PEAK_SHARE / 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """
    What was built: who works there, and what they look at.
    """

    people: list[Actor]
    account: Account
    accounts: list[str]
    views: dict[str, list[str]]  # by person
    cookies: dict[str, str]


async def build(database: Database, settings: Settings) -> House:
    async with database.write() as work:
        accounts = [
            Account(
                id=work.new_id(), channel=NAME, name=f"shop {number}", handle=f"shop{number}", created_at=work.now
            )
            for number in range(ACCOUNTS)
        ]
        work.session.add_all(accounts)
        people = [
            (await add_staff(work, HUBBUB, login=f"agent{n}", name=f"Agent {n}", role="agent")).actor()
            for n in range(settings.agents)
        ]
        pattern = await _pattern(work, accounts[0])
        # One network stands behind all of them; only the first is polled.
        for account in accounts[1:]:
            account.state = "paused"
    await load(
        database,
        pattern,
        accounts=[account.id for account in accounts],
        agents=[person.id for person in people],
        conversations=settings.conversations,
    )
    views = await _add_views(database, people, [account.id for account in accounts], settings.views)
    return House(
        people=people,
        account=accounts[0],
        accounts=[account.id for account in accounts],
        views=views,
        cookies=await _cookies(database, people),
    )


async def _pattern(work: UnitOfWork, account: Account) -> str:
    """
    Make the one conversation that all others are copies of.
    """
    identity = await meet(work, NAME, Author(key="pattern", handle="pattern", name="Pattern"))
    conversation = Conversation(
        id=work.new_id(),
        account_id=account.id,
        contact_id=identity.contact_id,
        identity_id=identity.id,
        channel=NAME,
        opened_at=work.now,
        last_message_at=work.now,
    )
    work.session.add(conversation)
    await work.session.flush()
    return conversation.id


async def _add_views(
    database: Database, people: Sequence[Actor], accounts: Sequence[str], each: int
) -> dict[str, list[str]]:
    choice, made = random.Random(1), dict[str, list[str]]()
    async with database.write() as work:
        for person in people:
            views = [
                SavedView(
                    id=work.new_id(),
                    owner_id=person.id,
                    owner_name=person.name,
                    name=f"View {number}",
                    selection=any_view(choice, accounts).to_json(),
                    position=number,
                    created_at=work.now,
                    changed_at=work.now,
                )
                for number in range(each)
            ]
            work.session.add_all(views)
            made[person.id] = [view.id for view in views]
    return made


def any_view(choice: random.Random, accounts: Sequence[str]) -> Selection:
    """
    Draw a view as teams have them: some accounts, a language or two, who has it, what is late.
    """
    conditions = Conditions(
        account_ids=tuple(choice.sample(list(accounts), choice.randrange(1, 3))),
        languages=tuple(choice.sample(LANGUAGES, choice.randrange(3))),
        priorities=choice.choice([(), ("urgent", "high")]),
        intents=choice.choice([(), ("complaint",), ("question", "purchase")]),
    )
    return Selection(
        states=choice.choice([(State.OPEN,), (State.OPEN,), ()]),
        agents=choice.choice([(), (NOBODY,), (NOBODY,)]),
        breached=choice.random() < 0.2,
        conditions=conditions,
    )


async def _cookies(database: Database, people: Sequence[Actor]) -> dict[str, str]:
    own = HouseSettings()
    entrance = Entrance(database=database, sessions=own.sessions, tries=own.sign_in, base_url="http://localhost")
    found = {}
    for person in people:
        async with database.write() as work:
            link = await make_sign_in_link(work, HUBBUB, person.id)
        found[person.id] = (await entrance.sign_in_by_link(link)).cookie
    return found
