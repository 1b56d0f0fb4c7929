"""
The words every connector speaks: values that come in, values that go out, and what a channel can do.

A connector is an async context manager bound to one account. It never retries, sleeps, reads a clock or keeps
global state: it tells the truth once, and the caller decides. All instants are aware UTC.

This module does no I/O and knows no network.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, NewType, Protocol, Self, runtime_checkable

Cursor = NewType("Cursor", str)
"""Where to go on hearing; opaque to everyone but the connector that made it."""

Json = Any
"""Anything `json.dumps` accepts."""


class HeardKind(StrEnum):
    """
    What kind of thing was heard; together with account and remote id it names a heard item for ever.
    """

    MENTION = "mention"  # somebody addressed us on a micro-blog, replies included
    MESSAGE = "message"  # mail or a direct message in a support inbox
    REPOST = "repost"
    QUOTE = "quote"
    FOLLOW = "follow"
    LIKE = "like"
    BOUNCE = "bounce"  # a delivery report about something we sent
    OTHER = "other"  # kept in the ledger, routed nowhere


class Visibility(StrEnum):
    """
    Who can see a message, widest first.
    """

    PUBLIC = "public"
    UNLISTED = "unlisted"
    FOLLOWERS = "followers"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """
    Somebody out there, as the channel tells it.

    Args:
        key: stable and unique within the channel over all servers (actor URI, lower-cased mail address).
        handle: what a person reads and what a mention needs (`kite@far.example`).
        automated: the account calls itself a bot.
    """

    key: str
    handle: str
    name: str = ""
    url: str | None = None
    avatar_url: str | None = None
    automated: bool = False
    followers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """
    A file that came with a message. Its content is not fetched; size is in bytes.
    """

    kind: str  # image, video, audio, file
    name: str = ""
    url: str | None = None
    content_type: str | None = None
    size: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardItem:
    """
    One thing heard on an account.

    Args:
        remote_id: unique per account and kind for ever; hearing the same thing twice gives the same id.
        occurred_at: when it happened as far as the channel can be trusted about it (never later than heard).
        message_id: the channel's id of the post or mail itself: what an answer's `in_reply_to` will name.
        in_reply_to: ids of messages this one answers, nearest first (mail: In-Reply-To, then References from
            the end). Claims by the sender, not facts: see `thread_proof`.
        thread_proof: True when the channel vouches for `in_reply_to` (a micro-blog server); False when anybody
            could have written it (mail headers), so that the reader must check who was part of the thread.
        text: plain text, never HTML. `html` is the untouched original where there is one; never show it raw.
        quoted: earlier mail quoted below the answer, split off from `text`.
        automatic: why this was written by a machine (`"auto-submitted"`, `"list"`, `"bounce"`, `"own address"`),
            or None for a person.
        subject_id: for reposts, quotes and likes: the id of our post it is about.
        reply_to: what `Replies.reply` of the same connector needs to answer this; plain JSON, opaque to others.
        raw: the payload as received, for the quarantine and for debugging; plain JSON, credentials removed.
    """

    kind: HeardKind
    remote_id: str
    occurred_at: datetime
    author: Author | None
    text: str = ""
    html: str | None = None
    quoted: str = ""
    subject: str = ""
    language: str | None = None
    visibility: Visibility = Visibility.PUBLIC
    url: str | None = None
    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    thread_proof: bool = True
    subject_id: str | None = None
    attachments: tuple[Attachment, ...] = ()
    automatic: str | None = None
    reply_to: Mapping[str, Json] | None = None
    raw: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenItem:
    """
    Something that was heard but could not be read: it goes to the quarantine, and the page goes on.

    Args:
        remote_id: stable over repeated fetches of the same broken thing.
        raw: what was received, cut to a bounded size by the connector.
        error: one line for a person.
    """

    kind: HeardKind
    remote_id: str
    occurred_at: datetime
    raw: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """
    What the server says is left of our allowance: `remaining` of `limit` calls until `resets_at` (aware UTC).
    """

    limit: int
    remaining: int
    resets_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """
    A span that can never be heard any more, and why (the server forgot, a quota was used up).
    """

    since: datetime
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """
    What one fetch brought.

    Args:
        items: oldest first.
        cursor: hand this to the next fetch once the items are safely stored; None keeps the old one.
        more: True when the next fetch would bring more at once.
        budget: what the server said about our allowance with this answer.
    """

    items: tuple[HeardItem | BrokenItem, ...] = ()
    cursor: Cursor | None = None
    more: bool = False
    gaps: tuple[Gap, ...] = ()
    budget: Budget | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """
    A file to publish. `description` is the text for those who cannot see it.
    """

    content: bytes
    content_type: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """
    What we want to say. Text is plain text.

    Args:
        automatic: written by a machine of ours; mail then carries Auto-Submitted (RFC 3834).
        visibility: a wish; a reply is never wider than what it answers, whatever is wished here.
    """

    text: str
    subject: str = ""
    language: str | None = None
    visibility: Visibility | None = None
    media: tuple[Media, ...] = ()
    automatic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """
    The channel's receipt: the id of what now exists there, and when it says that it came to be.
    """

    remote_id: str
    url: str | None = None
    at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """
    Our own account as its server shows it.
    """

    key: str
    handle: str
    name: str = ""
    url: str | None = None
    followers: int | None = None
    following: int | None = None
    posts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """
    What `check` found: who we are there, and what a human should know (`warnings`, one sentence each).

    Args:
        text_limit: the longest text the server takes, in the channel's own way of counting.
        rules: the server's house rules, as it words them.
    """

    profile: Profile
    text_limit: int | None = None
    rules: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """
    Something may be there to fetch: a hint, never the thing itself.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Repost:
    """
    One repost of one of our posts. `at` is None where the network does not tell it.
    """

    author: Author
    at: datetime | None = None


class Connector(Protocol):
    """
    One account on one channel. Enter it to open connections, leave it to close them.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def check(self) -> Checked:
        """
        Prove that the credentials work and say who we are.

        Raises:
            Unauthorized: a human must renew the credentials.
            Unreachable: waiting may help.
            Rejected: the server answers but is not what the settings say it is.
        """
        ...


@runtime_checkable
class Listens(Protocol):
    async def fetch(self, since: Cursor | None, *, now: datetime) -> Page:
        """
        Bring what was heard after `since`, oldest first, without gap or replay.

        With `since=None` start at the account's option `hear_since`. Nothing is marked, moved or deleted on the
        server. An item that cannot be read becomes a `BrokenItem`; it never stops the page.

        Raises:
            Unreachable, Throttled, Malformed: waiting helps; the cursor is still good.
            Unauthorized: a human must act.
        """
        ...


@runtime_checkable
class Streams(Protocol):
    def listen(self, since: Cursor | None) -> AsyncIterator[Wake | Page]:
        """
        Yield as soon as something happens, until the connection ends; the caller reconnects.

        Yields a first `Wake` once connected, so that the caller can catch up on what came in before.

        Raises:
            Unreachable: the connection ended or could not be made.
            Unauthorized: a human must act.
            Unsupported: this server has no streaming.
        """
        ...


@runtime_checkable
class Replies(Protocol):
    async def reply(self, to: Mapping[str, Json], draft: Draft, *, key: str) -> Sent:
        """
        Answer the item whose `reply_to` is `to`.

        Args:
            key: the idempotency key, made once per outbox row; handed on where the network knows it.

        Raises:
            Throttled, Unreachable: certainly not sent; waiting helps.
            Ambiguous: sent, but the answer was lost.
            Rejected: refused for good, with the server's reason.
            Unauthorized: certainly not sent; a human must act.
        """
        ...


@runtime_checkable
class Publishes(Protocol):
    async def publish(self, draft: Draft, *, key: str) -> Sent:
        """
        Publish a new post; errors as in `Replies.reply`.
        """
        ...


@runtime_checkable
class Finds(Protocol):
    async def find(self, key: str, draft: Draft, *, to: Mapping[str, Json] | None, since: datetime) -> Sent | None:
        """
        Look whether something we tried to send at or after `since` exists on the server.

        Returns:
            Its receipt, or None when the server was asked and it is certainly not there.

        Raises:
            Ambiguous: we looked and still cannot be sure; a human must decide.
            Unreachable, Unauthorized: could not look.
        """
        ...


@runtime_checkable
class KnowsReposts(Protocol):
    def reposts(self, of: str, since: Cursor | None) -> AsyncIterator[Repost]:
        """
        List who reposted our post `of`, as far as the server tells.
        """
        ...


@runtime_checkable
class KnowsFollowers(Protocol):
    async def profile(self) -> Profile:
        """
        Read our own public figures as they are now.
        """
        ...
