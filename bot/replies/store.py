"""
Every query about saved replies and macros. Nothing here decides or commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import col

from bot.core.database import UnitOfWork
from bot.core.errors import NotFound
from bot.core.paging import Slice, decode_mark, slice_of
from bot.replies.tables import Macro, SavedReply, SavedReplyText

S, T = SavedReply, SavedReplyText
Owned = TypeVar("Owned", SavedReply, Macro)
MOST_SHOWN = 1_000
"""Saved replies that one person can choose from; who has more cannot find any."""


async def get_reply(work: UnitOfWork, reply_id: str) -> SavedReply:
    """
    Give a saved reply; raises NotFound.
    """
    found = await work.session.get(S, reply_id)
    if found is None:
        raise NotFound(f"no saved reply {reply_id[:60]!r}")
    return found


async def get_macro(work: UnitOfWork, macro_id: str) -> Macro:
    """
    Give a macro; raises NotFound.
    """
    found = await work.session.get(Macro, macro_id)
    if found is None:
        raise NotFound(f"no macro {macro_id[:60]!r}")
    return found


async def replies_of(work: UnitOfWork, owner_id: str) -> list[SavedReply]:
    """
    Give everybody's saved replies and those of one person, by shortcut.
    """
    query = sa.select(S).where(_for(S, owner_id)).order_by(col(S.shortcut), col(S.id)).limit(MOST_SHOWN)
    return list((await work.session.scalars(query)).all())


async def macros_of(work: UnitOfWork, owner_id: str) -> list[Macro]:
    """
    Give everybody's macros and those of one person, by name.
    """
    query = sa.select(Macro).where(_for(Macro, owner_id)).order_by(col(Macro.name), col(Macro.id))
    return list((await work.session.scalars(query.limit(MOST_SHOWN))).all())


async def list_owned(
    work: UnitOfWork, table: type[Owned], owner_id: str, *, limit: int, after: str | None
) -> Slice[Owned]:
    """
    List everybody's and one person's, oldest first.
    """
    query = sa.select(table).where(_for(table, owner_id))
    if after is not None:
        query = query.where(col(table.id) > decode_mark(after, parts=1)[0])
    rows = (await work.session.scalars(query.order_by(col(table.id)).limit(limit + 1))).all()
    return slice_of(rows, limit, lambda row: (row.id,))


def _for(table: type[SavedReply | Macro], owner_id: str) -> sa.ColumnElement[bool]:
    return col(table.owner_id).in_(["", owner_id])


async def texts_of(work: UnitOfWork, reply_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """
    Give the texts of saved replies, by reply and language.
    """
    rows = await work.session.scalars(sa.select(T).where(col(T.reply_id).in_(reply_ids)))
    found: dict[str, dict[str, str]] = {reply_id: {} for reply_id in reply_ids}
    for row in rows:
        found[row.reply_id][row.language] = row.text
    return found


async def insert_owned(work: UnitOfWork, row: SavedReply | Macro) -> bool:
    """
    Add a saved reply or a macro; False when its shortcut or name is taken. The database decides.
    """
    table = type(row)
    statement = work.insert(table).values(**row.model_dump()).on_conflict_do_nothing()
    return (await work.session.execute(statement.returning(col(table.id)))).first() is not None


async def change_owned(work: UnitOfWork, row: SavedReply | Macro, values: Mapping[str, Any]) -> bool:
    """
    Change a saved reply or a macro; False when its new shortcut or name is taken.
    """
    try:
        async with work.session.begin_nested():
            for name, value in values.items():
                setattr(row, name, value)
            await work.session.flush()
    except sa.exc.IntegrityError:
        await work.session.refresh(row)
        return False
    return True


async def replace_texts(work: UnitOfWork, reply_id: str, texts: Mapping[str, str]) -> None:
    """
    Keep these texts of a saved reply and no others.
    """
    await work.session.execute(sa.delete(T).where(col(T.reply_id) == reply_id))
    work.session.add_all(
        T(reply_id=reply_id, language=language, text=text.strip())
        for language, text in texts.items()
        if text.strip()
    )
    await work.session.flush()


async def delete_reply(work: UnitOfWork, reply: SavedReply) -> None:
    """
    Forget a saved reply and its texts.
    """
    await work.session.execute(sa.delete(T).where(col(T.reply_id) == reply.id))
    await work.session.delete(reply)
    await work.session.flush()


async def count_use(work: UnitOfWork, table: type[SavedReply] | type[Macro], row_id: str) -> None:
    """
    Count one use; one statement, so that none is lost when many use it at once.
    """
    await work.session.execute(
        sa.update(table)
        .where(col(table.id) == row_id)
        .values(uses=col(table.uses) + 1, used_at=work.now)
        .execution_options(synchronize_session=False)
    )
