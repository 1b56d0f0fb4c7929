"""
Read a page of notifications into heard items: values in, values out.

What cannot be read becomes a `BrokenItem`, and the page goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from connectors.base import Attachment, Author, BrokenItem, HeardItem, HeardKind, Json, Visibility
from connectors.limits import parse_instant
from connectors.mastodon.fields import as_mapping, entries, sub, text, web_address
from connectors.mastodon.protocol import VISIBILITIES, Me, Target, id_key, read_author
from connectors.mastodon.text import html_to_text

FULL_PAGE: Final = 30  # servers of this API cap pages at 30, 40 or 80: from here on there may be more
RAW_LIMIT: Final = 20_000  # characters of a broken notification that are kept

_KINDS: Final = {
    "mention": HeardKind.MENTION,
    "reblog": HeardKind.REPOST,
    "follow": HeardKind.FOLLOW,
    "quote": HeardKind.QUOTE,
    "favourite": HeardKind.LIKE,
}
_ABOUT_A_POST: Final = frozenset({HeardKind.MENTION, HeardKind.REPOST, HeardKind.QUOTE, HeardKind.LIKE})
_MEDIA_KINDS: Final = {"image": "image", "gifv": "video", "video": "video", "audio": "audio"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """
    One notification of a page: its id orders it (None when it has none), its item is what it means.
    """

    id: str | None
    item: HeardItem | BrokenItem


def read_page(raw: Json, *, me: Me, domain: str, now: datetime) -> list[Found]:
    """
    Read a page of notifications, oldest first, whatever order the server used; the same id twice counts once.

    Raises:
        ValueError: this is no page at all.
    """
    if not isinstance(raw, list):
        raise ValueError("no list of notifications")
    found = {}
    for entry in raw:
        id = text(entry, "id") if isinstance(entry, dict) else ""
        item = read_notification(entry, me=me, domain=domain, now=now)
        found[item.remote_id] = Found(id=id or None, item=item)
    return sorted(found.values(), key=lambda one: id_key(one.id or ""))


def newest_id(page: Iterable[Found]) -> str | None:
    return max((one.id for one in page if one.id), key=id_key, default=None)


def after(page: Iterable[Found], cursor: str) -> list[Found]:
    """
    Leave out what the cursor has passed, should a server not know `min_id` and bring it again.
    """
    return [one for one in page if one.id is None or id_key(one.id) > id_key(cursor)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """
    A walk back through pages to the instant where hearing starts (None: to the very first notification).

    Args:
        page: the oldest page so far that has something since `start`, without what came before it.
        passed: newest id before `start`, known when nothing at all came since.
        pages: how many pages had something since `start`.
    """

    start: datetime | None
    page: tuple[Found, ...] = ()
    passed: str | None = None
    older_than: str | None = None
    oldest_at: datetime | None = None
    pages: int = 0
    done: bool = False

    @property
    def items(self) -> tuple[HeardItem | BrokenItem, ...]:
        return tuple(one.item for one in self.page)

    @property
    def newest(self) -> str | None:
        return newest_id(self.page) or self.passed

    def on(self, found: Sequence[Found]) -> Walk:
        """
        Take the page before the last one. Ends at `start`, at an empty page, and where ids stop falling.
        """
        oldest = min((one.id for one in found if one.id), key=id_key, default=None)
        falls = oldest is not None and (self.older_than is None or id_key(oldest) < id_key(self.older_than))
        fresh = tuple(one for one in found if self.start is None or one.item.occurred_at >= self.start)
        if not falls or not fresh:
            return replace(self, done=True, passed=newest_id(found))
        return replace(
            self,
            page=fresh,
            older_than=oldest,
            oldest_at=fresh[0].item.occurred_at,
            pages=self.pages + 1,
            done=len(fresh) < len(found),
        )


def read_notification(raw: Json, *, me: Me, domain: str, now: datetime) -> HeardItem | BrokenItem:
    """
    Read one notification; what cannot be read comes back broken, under an id that stays the same.
    """
    kind = _KINDS.get(text(raw, "type"), HeardKind.OTHER) if isinstance(raw, dict) else HeardKind.OTHER
    try:
        return _heard(as_mapping(raw), kind, me, domain, now)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return _broken(raw, kind, now, f"{error}" or type(error).__name__)


def _heard(raw: Mapping[str, Any], kind: HeardKind, me: Me, domain: str, now: datetime) -> HeardItem:
    id, created_at = text(raw, "id"), parse_instant(text(raw, "created_at"))
    if not id or created_at is None:
        raise ValueError("a notification without id or time")
    account, status = raw.get("account"), raw.get("status")
    author = None if kind is HeardKind.OTHER and not account else read_author(account, domain)
    if status is None and kind in _ABOUT_A_POST:
        raise ValueError(f"a {kind.value} without its post")
    said = _post_fields(as_mapping(status), kind, author) if status is not None and author else {}
    return HeardItem(
        kind=kind,
        remote_id=id,
        # When our server learnt of it: the post's own date is the word of a stranger's server.
        occurred_at=min(created_at, now),
        author=author,
        automatic=_automatic(author, me),
        raw=raw,
        **said,
    )


def _automatic(author: Author | None, me: Me) -> str | None:
    if author is None:
        return None
    if author.key == me.profile.key:
        return "own account"
    return "bot" if author.automated else None


def _post_fields(status: Mapping[str, Any], kind: HeardKind, author: Author) -> dict[str, Any]:
    id = text(status, "id")
    if not id:
        raise ValueError("a post without id")
    match kind:
        case HeardKind.REPOST | HeardKind.LIKE:
            return {"subject_id": id, "url": web_address(status, "url")}
        case HeardKind.QUOTE:
            return {**_said(status, author), "subject_id": _quoted(status)}
        case _:
            return _said(status, author)


def _said(status: Mapping[str, Any], author: Author) -> dict[str, Any]:
    id, content = text(status, "id"), text(status, "content")
    visibility = VISIBILITIES.get(text(status, "visibility"), Visibility.DIRECT)
    parent, language = text(status, "in_reply_to_id"), text(status, "language") or None
    target = Target(
        id=id,
        acct=text(sub(status, "account"), "acct") or author.handle,
        handle=author.handle,
        visibility=visibility,
        warning=text(status, "spoiler_text"),
        language=language,
    )
    return {
        "text": html_to_text(content, mentions_in(status)),
        "html": content,
        "subject": target.warning,
        "language": language,
        "visibility": visibility,
        "url": web_address(status, "url"),
        "message_id": id,
        "in_reply_to": (parent,) if parent else (),
        "attachments": tuple(_attachment(one) for one in entries(status, "media_attachments")),
        "reply_to": target.plain(),
    }


def mentions_in(status: Mapping[str, Any]) -> dict[str, str]:
    return {text(one, "url"): text(one, "acct") for one in entries(status, "mentions") if text(one, "acct")}


def _quoted(status: Mapping[str, Any]) -> str | None:
    quote = sub(status, "quote")
    return text(sub(quote, "quoted_status"), "id") or text(quote, "quoted_status_id") or None


def _attachment(raw: Mapping[str, Any]) -> Attachment:
    url = web_address(raw, "url") or web_address(raw, "remote_url")
    return Attachment(
        kind=_MEDIA_KINDS.get(text(raw, "type"), "file"),
        name=unquote(urlsplit(url or "").path.rpartition("/")[2]),
        url=url,
        description=text(raw, "description"),
    )


def _broken(raw: Json, kind: HeardKind, now: datetime, error: str) -> BrokenItem:
    written = json.dumps(raw, sort_keys=True, ensure_ascii=False)
    id = text(raw, "id") if isinstance(raw, dict) else ""
    return BrokenItem(
        kind=kind,
        remote_id=id or f"sha256:{hashlib.sha256(written.encode(errors='replace')).hexdigest()}",
        occurred_at=now,
        raw=written[:RAW_LIMIT],
        error=error,
    )
