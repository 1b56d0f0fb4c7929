"""
Write posts, and recognise them again: values in, values out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.base import Draft, Json, Sent
from connectors.limits import parse_instant
from connectors.mastodon.fields import as_mapping, entries, sub, text, web_address
from connectors.mastodon.hearing import mentions_in
from connectors.mastodon.protocol import VISIBILITIES, Instance, Target, id_key
from connectors.mastodon.text import html_to_text, length_of, likeness, with_mention

CLOCK_SKEW: Final = timedelta(minutes=5)  # by how much a server's clock may be behind ours

_WIDEST_FIRST: Final = tuple(VISIBILITIES.values())
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")


def compose(draft: Draft, to: Target | None, media_ids: Sequence[str] = ()) -> dict[str, Json]:
    """
    Write the body of `POST /api/v1/statuses`.

    An answer mentions whom it answers, is never seen by more people than what it answers, and carries the
    content warning on.
    """
    language = draft.language or (to.language if to else None)
    visibility = draft.visibility
    if to is not None:
        visibility = max(to.visibility, draft.visibility or to.visibility, key=_WIDEST_FIRST.index)
    body: dict[str, Json] = {"status": text_to_send(draft, to)}
    if to is not None:
        body["in_reply_to_id"] = to.id
    if to is not None and to.warning:
        body["spoiler_text"] = to.warning
    if visibility is not None:
        body["visibility"] = next(word for word, value in VISIBILITIES.items() if value is visibility)
    if language and _LANGUAGE.fullmatch(language):
        body["language"] = language
    if media_ids:
        body["media_ids"] = list(media_ids)
    return body


def text_to_send(draft: Draft, to: Target | None) -> str:
    return draft.text if to is None else with_mention(draft.text, to.acct, (to.handle,))


def refusal(draft: Draft, to: Target | None, instance: Instance) -> str | None:
    """
    Say why the server would refuse this, or None. Better known before sending than after.
    """
    if not draft.text.strip() and not draft.media:
        return "there is nothing to say"
    if len(draft.media) > instance.media:
        return f"{len(draft.media)} files, but the server takes {instance.media}"
    for file in draft.media:
        limit, length = instance.description_length, len(file.description)
        if limit is not None and length > limit:
            return f"the description of {file.name} has {length} characters, but the server takes {limit}"
    length = length_of(text_to_send(draft, to), to.warning if to else "", per_url=instance.per_url)
    if instance.length is not None and length > instance.length:
        return f"{length} characters, but the server takes {instance.length}"
    return None


def read_sent(raw: Json) -> Sent:
    """
    Read the post that the server says it made.

    Raises:
        ValueError: this is no post.
    """
    status = as_mapping(raw)
    id = text(status, "id")
    if not id or "scheduled_at" in status:
        raise ValueError("the answer is no post")
    return Sent(remote_id=id, url=web_address(status, "url"), at=parse_instant(text(status, "created_at")))


def read_upload(raw: Json) -> str:
    """
    Read the id of an uploaded file.

    Raises:
        ValueError: there is none.
    """
    id = text(as_mapping(raw), "id")
    if not id:
        raise ValueError("a file without id")
    return id


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """
    What one page of our own posts says about a post we look for.

    Args:
        sent: the post, when it was on the page.
        older_than: where to look on; None when everything since then was seen.
    """

    sent: Sent | None = None
    older_than: str | None = None


def look_through(raw: Json, draft: Draft, to: Target | None, since: datetime, owner: str | None = None) -> Look:
    """
    Look for `draft` on a page of posts, newest first, of which those made before `since` are too old.

    Args:
        owner: id of our account where the page holds other people's posts as well.

    Raises:
        ValueError: the page cannot be read, so that nothing is certain.
    """
    if not isinstance(raw, list):
        raise ValueError("no list of posts")
    horizon, oldest = since - CLOCK_SKEW, None
    for status in map(as_mapping, raw):
        made_at = parse_instant(text(status, "created_at"))
        if made_at is None or not text(status, "id"):
            raise ValueError("a post without id or time")
        ours = owner is None or text(sub(status, "account"), "id") == owner
        if ours and made_at >= horizon and _is_same(status, draft, to):
            return Look(sent=read_sent(status))
        oldest = min(oldest or made_at, made_at)
    seen_all = oldest is None or oldest < horizon
    return Look(older_than=None if seen_all else min((text(one, "id") for one in raw), key=id_key))


def _is_same(status: Mapping[str, Any], draft: Draft, to: Target | None) -> bool:
    if (text(status, "in_reply_to_id") or None) != (to.id if to else None):
        return False
    there = likeness(html_to_text(text(status, "content"), mentions_in(status)))
    if there != likeness(text_to_send(draft, to)):
        return False
    return bool(draft.text.strip()) or len(entries(status, "media_attachments")) == len(draft.media)
