"""
A small house for tests of the inbox: an account, some agents, and customers who write.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.accounts.ears import Heard, Ignored, Routed
from bot.accounts.tables import Account
from bot.accounts.tables import HeardItem as HeardRow
from bot.core.actor import HUBBUB, Actor
from bot.core.database import Database, UnitOfWork
from bot.inbox import hearing, service, store
from bot.inbox.rules import Promise
from bot.inbox.tables import Conversation, Message
from bot.outbox.service import changed, entries_of
from bot.outbox.tables import OutboxEntry
from bot.staff.service import add_staff
from connectors.base import Author, HeardItem, HeardKind, Sent

PROMISE = Promise(first_response=timedelta(minutes=15), grace=timedelta(hours=24))
KITE = Author(key="https://far.example/users/kite", handle="kite@far.example", name="Kite")
REED = Author(key="https://far.example/users/reed", handle="reed@far.example", name="Reed")
_numbers = itertools.count(1)


@dataclass
class House:
    """
    What tests do in it, each verb one unit of work.
    """

    database: Database
    account: Account = field(init=False)
    people: dict[str, Actor] = field(default_factory=dict)

    async def build(self, channel: str = "mastodon") -> House:
        async with self.database.write() as work:
            self.account = Account(
                id=work.new_id(), channel=channel, name="shop", handle="shop@example.social", created_at=work.now
            )
            work.session.add(self.account)
            for login, role in (("ann", "agent"), ("ben", "agent"), ("lea", "lead"), ("mia", "marketer")):
                staff = await add_staff(work, HUBBUB, login=login, name=login.title(), role=role)
                self.people[login] = Actor(id=staff.id, name=staff.name, role=staff.role, kind="staff")
        return self

    def item(self, text: str = "Does it ship to Norway?", author: Author | None = KITE, **more: Any) -> HeardItem:
        number = next(_numbers)
        asked: dict[str, Any] = {
            "kind": HeardKind.MENTION,
            "remote_id": f"n{number}",
            "message_id": f"m{number}",
            "occurred_at": self.database.clock.now(),
            "reply_to": {"id": f"m{number}"},
        }
        return HeardItem(author=author, text=text, **{**asked, **more})

    async def hear(self, item: HeardItem) -> Routed | Ignored | None:
        async with self.database.write() as work:
            return await hearing.hear(work, await self._in_ledger(work, item), PROMISE)

    async def _in_ledger(self, work: UnitOfWork, item: HeardItem) -> Heard:
        row = HeardRow(
            id=work.new_id(),
            account_id=self.account.id,
            stream="test",
            kind=item.kind,
            remote_id=item.remote_id,
            state="routed",
            occurred_at=item.occurred_at,
            heard_at=work.now,
        )
        work.session.add(row)
        await work.session.flush()
        return Heard(heard_id=row.id, account=self.account, stream="test", item=item)

    async def asked(self, text: str = "Does it ship to Norway?", author: Author = KITE, **more: Any) -> str:
        """
        Let a customer write; gives the conversation's id.
        """
        routed = await self.hear(self.item(text, author, **more))
        assert isinstance(routed, Routed)
        return routed.to.removeprefix("conversation:")

    async def many(self, number: int) -> list[str]:
        """
        Let somebody have this many open conversations more, written down at once; gives their ids.
        """
        like = await self.see(await self.asked())
        async with self.database.write() as work:
            ids = [work.new_id() for _ in range(number)]
            plain = like.model_dump(exclude={"id"})
            rows = [{**plain, "id": one, "due_at": None} for one in ids]
            for at in range(0, number, 500):
                await work.session.execute(sa.insert(Conversation), rows[at : at + 500])
        return ids

    async def build_second(self, other: House) -> str:
        """
        Open an account beside another house's, and let the same customer write to it; gives the conversation.
        """
        self.people = other.people
        async with self.database.write() as work:
            self.account = Account(
                id=work.new_id(), channel="mastodon", name="other", handle="other@far.example", created_at=work.now
            )
            work.session.add(self.account)
        return await self.asked("Do you hear me here?")

    async def see(self, conversation_id: str) -> Conversation:
        async with self.database.read() as work:
            return await store.get_conversation(work, conversation_id)

    async def messages(self, conversation_id: str) -> list[Message]:
        async with self.database.read() as work:
            return list((await store.list_messages(work, conversation_id, limit=200, after=None)).items)

    async def reply(self, conversation_id: str, who: str = "ann", text: str = "Yes.", **more: Any) -> OutboxEntry:
        """
        Answer from a view that has seen everything; gives the outbox entry.
        """
        async with self.database.write() as work:
            seen = (await store.get_conversation(work, conversation_id)).newest_message_id or ""
            await service.reply(
                work,
                self.people[who],
                conversation_id,
                **{"text": text, "seen": seen, "promise": PROMISE, **more},
            )
            return (await entries_of(work, "conversation", conversation_id))[-1]

    async def becomes(self, entry: OutboxEntry, state: str, at: datetime | None = None, reason: str = "") -> None:
        """
        Let the outbox settle an entry, receipts included.
        """
        sent = Sent(remote_id=f"sent-{entry.id}", at=at)
        async with self.database.write() as work:
            row = await work.session.get(OutboxEntry, entry.id)
            assert row is not None
            row.state, row.reason = state, reason
            if state == "confirmed":
                row.sent_id, row.sent_at = sent.remote_id, sent.at or work.now
            await changed(work, row, [_receipt])


async def _receipt(work: UnitOfWork, entry: OutboxEntry) -> None:
    await hearing.sent(work, entry, PROMISE)
