"""
Drafts as rows keep them. Pure.
"""

from __future__ import annotations

from typing import Any

from bot.core.errors import Invalid
from connectors.base import Draft, Visibility


def draft_to_json(draft: Draft) -> dict[str, Any]:
    """
    Write a draft as plain JSON.

    Raises:
        Invalid: it carries files, which the outbox cannot keep yet.
    """
    if draft.media:
        raise Invalid(fields={"media": "answers cannot carry files yet; put a link into the text"})
    return {
        "text": draft.text,
        "subject": draft.subject,
        "language": draft.language,
        "visibility": draft.visibility,
        "automatic": draft.automatic,
    }


def draft_from_json(kept: dict[str, Any]) -> Draft:
    """
    Read a draft back.
    """
    visibility = kept["visibility"]
    return Draft(
        text=kept["text"],
        subject=kept["subject"],
        language=kept["language"],
        visibility=Visibility(visibility) if visibility else None,
        automatic=kept["automatic"],
    )
