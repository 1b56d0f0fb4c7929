"""
The things that exist in the simulated network, as plain values. Changing one means making a copy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

PersonId = NewType("PersonId", int)
PostId = NewType("PostId", int)


class Reach(StrEnum):
    """
    Who can see a post, in Mastodon's own words.
    """

    PUBLIC = "public"
    UNLISTED = "unlisted"
    PRIVATE = "private"
    DIRECT = "direct"


class Notice(StrEnum):
    """
    What a notification tells, in Mastodon's own words.
    """

    MENTION = "mention"
    REBLOG = "reblog"
    FAVOURITE = "favourite"
    FOLLOW = "follow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """
    An account of the network: a customer, a brand, or a machine.

    Args:
        domain: where the account lives; None means on this server.
        audience: followers that this server has never seen, as the account's own server claims them.
        limited: moderators have limited the account (the policy key `for_limited_accounts` is about these).
    """

    id: PersonId
    username: str
    domain: str | None = None
    name: str = ""
    note: str = ""
    language: str = "en"
    bot: bool = False
    brand: bool = False
    limited: bool = False
    audience: int = 0
    created_at: datetime

    @property
    def acct(self) -> str:
        return f"{self.username}@{self.domain}" if self.domain else self.username


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """
    One status as its author wrote it.

    Args:
        text: plain source.
        html: what a foreign server sent instead of our own markup; only people of other servers have it.
        parent_author: stays when the parent is deleted, while `parent` becomes None, as on real servers.
        arrived_at: when this server got it; `written_at` can be earlier.
    """

    id: PostId
    author: PersonId
    text: str
    html: str | None = None
    reach: Reach = Reach.PUBLIC
    spoiler_text: str = ""
    sensitive: bool = False
    language: str | None = None
    parent: PostId | None = None
    parent_author: PersonId | None = None
    mentions: tuple[PersonId, ...] = ()
    media: tuple[int, ...] = ()
    written_at: datetime
    arrived_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Repost:
    """
    Somebody passed a post on. `id` is the wrapper status and also the row by which lists of reposters are paged.
    """

    id: PostId
    post: PostId
    author: PersonId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """
    A line in somebody's notifications.

    Args:
        filtered: the owner's policy diverted it, so that it shows only with `include_filtered`.
    """

    id: int
    owner: PersonId
    kind: Notice
    by: PersonId
    post: PostId | None
    at: datetime
    filtered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """
    An uploaded file. `checks_left` says how often a look still finds it unfinished.
    """

    id: int
    owner: PersonId
    content: bytes = field(repr=False)
    content_type: str
    description: str = ""
    checks_left: int = 0
    post: PostId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """
    A credential: whose it is and what it may do.
    """

    owner: PersonId
    scopes: frozenset[str]


class Verdict(StrEnum):
    """
    What a notification policy does with a kind of stranger.
    """

    ACCEPT = "accept"
    FILTER = "filter"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """
    Whose notifications are let through; the defaults are those of a fresh Mastodon account.
    """

    for_not_following: Verdict = Verdict.ACCEPT
    for_not_followers: Verdict = Verdict.ACCEPT
    for_new_accounts: Verdict = Verdict.ACCEPT
    for_private_mentions: Verdict = Verdict.FILTER
    for_limited_accounts: Verdict = Verdict.FILTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """
    A post appeared.
    """

    post: Post


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """
    Somebody got a notification.
    """

    notification: Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """
    A post is gone; the value is what it was.
    """

    post: Post


Event = Posted | Notified | Deleted
