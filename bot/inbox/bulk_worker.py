"""
Works bulk jobs off, a few conversations at a time, and rests in between, so that live work is not slowed (S13).

Each round is one short unit of work, and is followed by a rest at least as long: whatever the machine, bulk jobs
take at most half of what the database can write. One process works on a job; when it dies, another goes on.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col

from bot.core.database import Database
from bot.core.leases import drop_lease, take_lease
from bot.core.live import LiveEvents
from bot.core.rounds import Rounds
from bot.inbox import bulk
from bot.inbox.order_tables import BulkJob

LOOK_EVERY_SECONDS = 5.0
ITEMS_A_ROUND = 20
LONGEST_ROUND_SECONDS = 0.025
SHORTEST_REST_SECONDS = 0.01
TOLD_EVERY_SECONDS = 0.5
LEASE = timedelta(seconds=30)


class BulkWorker:
    """
    Used as an async context manager around the life of the daemon.
    """

    def __init__(self, database: Database, live: LiveEvents, holder: str) -> None:
        self._database = database
        self._holder = holder
        self._told_at = 0.0
        self._rounds = Rounds(
            "bulk",
            database,
            live,
            frozenset({bulk.TOPIC}),
            self.turns,
            action="bulk.failed",
            every=LOOK_EVERY_SECONDS,
        )

    async def __aenter__(self) -> BulkWorker:
        await self._rounds.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rounds.__aexit__()

    async def turns(self) -> bool:
        """
        Work on every job once; says whether this process may go on with one.
        """
        async with self._database.read() as work:
            jobs = await bulk.running_jobs(work)
        return bool([job_id for job_id in jobs if await self._turn(job_id)])

    async def work_off(self) -> None:
        """
        Work on all jobs in turns until none is left that this process may work on.
        """
        while await self.turns():
            pass

    async def _turn(self, job_id: str) -> bool:
        began = asyncio.get_running_loop().time()
        goes_on = await self.round(job_id)
        # As long as we took, others may have.
        await asyncio.sleep(max(SHORTEST_REST_SECONDS, asyncio.get_running_loop().time() - began))
        return goes_on

    async def round(self, job_id: str) -> bool:
        """
        Do the next conversations of a job in one unit of work; says whether there may be more to do.
        """
        loop, lease = asyncio.get_running_loop(), bulk.topic_of(job_id)
        async with self._database.write(patient=True) as work:
            if not await take_lease(work, lease, holder=self._holder, length=LEASE):
                return False
            # Locked, so that a stop comes before this round or after it.
            query = sa.select(BulkJob).where(col(BulkJob.id) == job_id, col(BulkJob.state) == "running")
            job = await work.session.scalar(query.with_for_update())
            if job is None:
                await drop_lease(work, lease, holder=self._holder)
                return False
            items, until = await bulk.next_items(work, job_id, limit=ITEMS_A_ROUND), None
            for item in items:
                until = until or loop.time() + LONGEST_ROUND_SECONDS
                await bulk.do_item(work, job, item)
                if loop.time() > until:
                    break
            if not items:
                await bulk.finish(work, job)
                await drop_lease(work, lease, holder=self._holder)
            elif loop.time() - self._told_at > TOLD_EVERY_SECONDS:
                self._told_at = loop.time()
                work.publish(bulk.topic_of(job_id))
        return bool(items)
