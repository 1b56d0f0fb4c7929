"""
What tags and segments share beside their form (`labels`): a label that was typed, and the labels that are in use.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bot.core.database import UnitOfWork
from bot.core.errors import Invalid
from bot.core.labels import clean_label, label_problem

OFFERED = 20
"""Known labels that an autocomplete shows."""


def checked_label(typed: str, field: str) -> str:
    """
    Bring a label that somebody typed into its one form.

    Raises:
        Invalid: it cannot be one; `field` is the name under which it was typed.
    """
    label = clean_label(typed)
    if problem := label_problem(label):
        raise Invalid(fields={field: problem})
    return label


async def known_labels(work: UnitOfWork, column: Any, typed: str, *, limit: int = OFFERED) -> list[str]:
    """
    Give the labels of an indexed column that begin with what was typed, in order.
    """
    start, found = clean_label(typed), list[str]()
    # One step of the index a label, however many rows carry it.
    while len(found) < limit:
        after = column > found[-1] if found else column >= start
        label = await work.session.scalar(sa.select(sa.func.min(column)).where(after))
        if label is None or not label.startswith(start):
            break
        found.append(label)
    return found
