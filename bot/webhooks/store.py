"""
Every query of webhooks. Lists of deliveries are keyset pages; nothing here decides or commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.core.paging import Slice, decode_mark, slice_of
from bot.webhooks.rules import OPEN_STATES, EndpointState, State
from bot.webhooks.tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint

D, E = WebhookDelivery, WebhookEndpoint
NO_LEASE: Mapping[str, Any] = {"lease_holder": None, "lease_until": None}
PRUNED_AT_ONCE = 500


async def get_endpoint(work: UnitOfWork, endpoint_id: str, *, lock: bool = False) -> WebhookEndpoint:
    """
    Give an endpoint; with `lock` no other unit changes it until this one ends.

    Raises:
        NotFound: there is none.
    """
    query = sa.select(E).where(col(E.id) == endpoint_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = (await work.session.scalars(query)).first()
    if found is None:
        raise NotFound(f"no webhook {endpoint_id[:60]!r}")
    return found


async def list_endpoints(work: UnitOfWork) -> list[WebhookEndpoint]:
    """
    List all endpoints by name; there are a handful.
    """
    return list((await work.session.scalars(sa.select(E).order_by(col(E.name)))).all())


_ACTIVE = sa.select(E).where(col(E.state) == EndpointState.ACTIVE)


async def active_endpoints(work: UnitOfWork) -> list[WebhookEndpoint]:
    """
    List the endpoints that get something.
    """
    return list((await work.session.scalars(_ACTIVE)).all())


async def broken_endpoints(work: UnitOfWork) -> list[WebhookEndpoint]:
    """
    List the endpoints that we stopped ourselves.
    """
    query = sa.select(E).where(col(E.state) == EndpointState.BROKEN).order_by(col(E.name))
    return list((await work.session.scalars(query)).all())


async def add_endpoint(work: UnitOfWork, values: Mapping[str, Any]) -> bool:
    """
    Add an endpoint unless its name is taken; say whether it was added. One statement.
    """
    statement = work.insert(E).values(**values).on_conflict_do_nothing(index_elements=["name"])
    return (await work.session.execute(statement.returning(col(E.id)))).first() is not None


async def name_is_taken(work: UnitOfWork, name: str, *, besides: str) -> bool:
    """
    Say whether another endpoint has this name.
    """
    query = sa.select(col(E.id)).where(col(E.name) == name, col(E.id) != besides)
    return (await work.session.scalars(query)).first() is not None


async def change_endpoint(
    work: UnitOfWork, endpoint_id: str, values: Mapping[str, Any], *, while_in: EndpointState | None = None
) -> bool:
    """
    Change columns of an endpoint, if it is in that state; say whether it was. One statement.
    """
    statement = sa.update(E).where(col(E.id) == endpoint_id)
    if while_in is not None:
        statement = statement.where(col(E.state) == while_in)
    done = await work.session.execute(statement.values(**values).execution_options(synchronize_session="fetch"))
    return bool(done.rowcount)  # type: ignore[attr-defined]


async def reseal(work: UnitOfWork, endpoint_id: str, *, was: str, sealed: str) -> int:
    """
    Replace sealed secrets, unless they are others by now; gives how many that were. One statement.
    """
    statement = sa.update(E).where(col(E.id) == endpoint_id, col(E.sealed) == was).values(sealed=sealed)
    return int((await work.session.execute(statement)).rowcount)  # type: ignore[attr-defined]


async def remove_endpoint(work: UnitOfWork, endpoint_id: str) -> None:
    """
    Delete an endpoint with its log.
    """
    await work.session.execute(sa.delete(E).where(col(E.id) == endpoint_id))


async def add_deliveries(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> bool:
    """
    Add deliveries, leaving out those that are there already; say whether any was new. One statement.
    """
    statement = work.insert(D).values([dict(row) for row in rows])
    statement = statement.on_conflict_do_nothing(index_elements=["event_id", "endpoint_id"])
    return (await work.session.execute(statement.returning(col(D.id)))).first() is not None


async def get_delivery(work: UnitOfWork, delivery_id: str) -> WebhookDelivery:
    """
    Give a delivery; raises NotFound.
    """
    query = sa.select(D).where(col(D.id) == delivery_id).execution_options(populate_existing=True)
    found = (await work.session.scalars(query)).first()
    if found is None:
        raise NotFound(f"no delivery {delivery_id[:60]!r}")
    return found


async def list_deliveries(
    work: UnitOfWork, endpoint_id: str, *, state: State | None, limit: int, after: str | None
) -> Slice[WebhookDelivery]:
    """
    List the log of an endpoint, newest first.
    """
    query = sa.select(D).where(col(D.endpoint_id) == endpoint_id)
    if state is not None:
        query = query.where(col(D.state) == state)
    if after is not None:
        query = query.where(col(D.id) < str(decode_mark(after, parts=1)[0]))
    rows = (await work.session.scalars(query.order_by(col(D.id).desc()).limit(limit + 1))).all()
    return slice_of(rows, limit, lambda row: (row.id,))


async def attempts_of(work: UnitOfWork, delivery_ids: Sequence[str]) -> dict[str, list[WebhookAttempt]]:
    """
    Give the attempts of several deliveries, oldest first.
    """
    query = sa.select(WebhookAttempt).where(col(WebhookAttempt.delivery_id).in_(delivery_ids))
    found: dict[str, list[WebhookAttempt]] = {delivery_id: [] for delivery_id in delivery_ids}
    for attempt in await work.session.scalars(query.order_by(col(WebhookAttempt.id))):
        found[attempt.delivery_id].append(attempt)
    return found


async def count_open(work: UnitOfWork) -> dict[str, int]:
    """
    Count what waits for each endpoint.
    """
    query = sa.select(col(D.endpoint_id), sa.func.count()).where(_open()).group_by(col(D.endpoint_id))
    return {str(endpoint_id): int(count) for endpoint_id, count in await work.session.execute(query)}


async def endpoints_with_work(work: UnitOfWork) -> list[str]:
    """
    Give the endpoints to which something is to be sent now.
    """
    mine = sa.select(sa.literal(1)).where(col(D.endpoint_id) == col(E.id), *_takeable(work)).exists()
    return list((await work.session.scalars(sa.select(col(E.id)).where(*_listening(work), mine))).all())


async def take_due(
    work: UnitOfWork, endpoint_id: str, *, holder: str, lease: timedelta, limit: int
) -> list[WebhookDelivery]:
    """
    Take what is due for an endpoint, the oldest first; what another worker is just taking is left to it.
    """
    query = sa.select(col(D.id)).join(E, col(E.id) == col(D.endpoint_id))
    query = query.where(col(D.endpoint_id) == endpoint_id, *_takeable(work), *_listening(work))
    query = query.order_by(col(D.due_at), col(D.id)).limit(limit).with_for_update(skip_locked=True, of=D)
    ids = list((await work.session.scalars(query)).all())
    values = {
        "state": State.SENDING,
        "attempts": D.attempts + 1,
        "lease_holder": holder,
        "lease_until": work.now + lease,
    }
    statement = sa.update(D).where(col(D.id).in_(ids)).values(**values).returning(D)
    taken = await work.session.scalars(statement, execution_options={"populate_existing": True})
    return sorted(taken.all(), key=lambda delivery: (delivery.due_at, delivery.id))


def _open() -> sa.ColumnElement[bool]:
    # Written out so that the partial index is used.
    return sa.literal_column("webhook_delivery.state").in_([sa.literal_column(f"'{one}'") for one in OPEN_STATES])


def _takeable(work: UnitOfWork) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _open(),
        col(D.due_at) <= work.now,
        sa.or_(col(D.state) == State.WAITING, col(D.lease_until) <= work.now),
    )


def _listening(work: UnitOfWork) -> tuple[sa.ColumnElement[bool], ...]:
    paused = sa.and_(col(E.waits_until).is_not(None), col(E.waits_until) > work.now)
    return (col(E.state) == EndpointState.ACTIVE, sa.not_(paused))


async def settle(work: UnitOfWork, delivery_id: str, to: State, values: Mapping[str, Any], *, holder: str) -> bool:
    """
    Write down what an attempt came to; False when somebody else has the delivery by now.

    That it arrived is the truth, even after our lease has run out; anything else only counts within it.
    """
    statement = sa.update(D).where(col(D.id) == delivery_id, col(D.state).in_(OPEN_STATES))
    if to is not State.DELIVERED:
        statement = statement.where(col(D.state) == State.SENDING, col(D.lease_holder) == holder)
    done = await work.session.execute(statement.values(state=to, **values, **NO_LEASE))
    return bool(done.rowcount)  # type: ignore[attr-defined]


async def begin_anew(work: UnitOfWork, delivery_id: str) -> bool:
    """
    Let a settled delivery wait to be sent again; False when it is not settled. One statement.
    """
    values = {
        "state": State.WAITING,
        "attempts": 0,
        "tried_since": work.now,
        "due_at": work.now,
        "settled_at": None,
        "reason": "",
    }
    statement = sa.update(D).where(col(D.id) == delivery_id, col(D.state).not_in(OPEN_STATES)).values(**values)
    return bool((await work.session.execute(statement)).rowcount)  # type: ignore[attr-defined]


async def prune(work: UnitOfWork, before: datetime) -> int:
    """
    Delete some of what was settled before an instant, attempts included. Gives how many deliveries went.
    """
    old = sa.select(col(D.id)).where(col(D.settled_at).is_not(None), col(D.settled_at) < before)
    ids = list((await work.session.scalars(old.order_by(col(D.settled_at)).limit(PRUNED_AT_ONCE))).all())
    await work.session.execute(sa.delete(D).where(col(D.id).in_(ids)))
    return len(ids)
