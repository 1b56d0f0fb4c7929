"""
What a Mastodon server is asked, and who is who there: values in, values out, no I/O and no clock.

What is heard is read in `hearing.py`, what is sent is written in `sending.py`, texts are read in `text.py`.
Reading is lenient, since servers that speak this API differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from connectors.base import Author, Cursor, Json, Profile, Repost, Visibility
from connectors.mastodon.fields import as_mapping, count, sub, text, web_address

PAGE_LIMIT: Final = 80  # the most that Mastodon gives since 4.1
FROM_THE_START: Final = Cursor("0")  # where an inbox that was empty at the first look goes on

_ACCT: Final = re.compile(r"[^\s@]+(@[^\s@]+)?")

Params = tuple[tuple[str, str], ...]

VISIBILITIES: Final = {
    "public": Visibility.PUBLIC,
    "unlisted": Visibility.UNLISTED,
    "private": Visibility.FOLLOWERS,
    "direct": Visibility.DIRECT,
}
"""Mastodon's words for them, widest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """
    What a server says about itself, as far as we need it.

    Args:
        domain: what stands after the last @ of a local account's handle.
        streaming: scheme and authority of the streaming server, None when there is none.
        length: most characters of a post; None when the server does not tell.
    """

    domain: str
    streaming: str | None = None
    length: int | None = None
    per_url: int = 23
    media: int = 4
    description_length: int | None = None
    rules: tuple[str, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """
    Our own account: its id on its server, its global key, and where its server says that it lives.
    """

    id: str
    profile: Profile
    automated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """
    The post that an answer answers; what `HeardItem.reply_to` holds.
    """

    id: str
    acct: str
    handle: str
    visibility: Visibility
    warning: str = ""
    language: str | None = None

    def plain(self) -> dict[str, Json]:
        return {
            "id": self.id,
            "acct": self.acct,
            "handle": self.handle,
            "visibility": self.visibility.value,
            "warning": self.warning,
            "language": self.language,
        }

    @classmethod
    def read(cls, plain: Mapping[str, Json]) -> Target:
        """
        Read back what `plain` wrote.

        Raises:
            ValueError: it is not ours.
        """
        found = {name: plain.get(name) for name in ("id", "acct", "handle")}
        if not all(isinstance(value, str) and value for value in found.values()):
            raise ValueError("this names no post on a Mastodon server")
        return cls(
            id=str(found["id"]),
            acct=str(found["acct"]),
            handle=str(found["handle"]),
            visibility=Visibility(text(plain, "visibility")),
            warning=text(plain, "warning"),
            language=text(plain, "language") or None,
        )


def id_key(id: str) -> tuple[int, str]:
    """
    Order ids as servers do: numeric ones by value without being numbers, others of one length by text.
    """
    return len(id), id


def notifications_after(cursor: str) -> Params:
    """
    Ask for the page right after `cursor`. `min_id` walks forward; `since_id` would leave a gap.
    """
    return (("min_id", cursor), *_page())


def notifications_before(older_than: str | None) -> Params:
    """
    Ask for the newest page, or the newest one before `older_than`.
    """
    return (("max_id", older_than), *_page()) if older_than else _page()


def _page() -> Params:
    # Without include_filtered, what the account's notification policy set aside would never be heard.
    return ("limit", str(PAGE_LIMIT)), ("include_filtered", "true")


def own_posts_before(older_than: str | None) -> Params:
    asked: Params = (("limit", "40"), ("exclude_reblogs", "true"))
    return (("max_id", older_than), *asked) if older_than else asked


def next_page(link: str) -> Params:
    """
    Read the query of `rel="next"` from a Link header (RFC 8288).

    Only the query is used: the address itself could lead our token to another server. Empty when there is none.
    """
    for part in re.finditer(r"<([^<>]*)>([^<]*)", link):
        if re.search(r"""rel=["']?next\b""", part[2]):
            return tuple(parse_qsl(urlsplit(part[1]).query))
    return ()


def read_me(raw: Json, domain: str) -> Me:
    """
    Read `verify_credentials`.

    Raises:
        ValueError: this is no account.
    """
    account = as_mapping(raw)
    author = read_author(account, domain)
    return Me(
        id=text(account, "id"),
        automated=author.automated,
        profile=Profile(
            key=author.key,
            handle=author.handle,
            name=author.name,
            url=author.url,
            followers=author.followers,
            following=count(account, "following_count"),
            posts=count(account, "statuses_count"),
        ),
    )


def read_author(raw: Json, domain: str) -> Author:
    """
    Read an Account. The key is its global URI, which is the same on every server.

    Raises:
        ValueError: it has no id or name to know it by.
    """
    account = as_mapping(raw)
    acct = text(account, "acct") or text(account, "username")
    key = text(account, "uri") or text(account, "url")
    if not _ACCT.fullmatch(acct) or not key or not text(account, "id"):
        raise ValueError("an account without id, address or a name that can be mentioned")
    return Author(
        key=key,
        handle=acct if "@" in acct else f"{acct}@{domain}",
        name=text(account, "display_name"),
        url=web_address(account, "url"),
        avatar_url=web_address(account, "avatar"),
        automated=account.get("bot") is True,
        followers=count(account, "followers_count"),
    )


def read_instance(raw: Json, host: str) -> Instance:
    """
    Read `/api/v2/instance`, or the older `/api/v1/instance`.

    Args:
        host: stands in for the domain where the server does not tell it.
    """
    said = raw if isinstance(raw, dict) else {}
    settings = sub(said, "configuration")
    posts, urls = sub(settings, "statuses"), sub(settings, "urls")
    rules = said.get("rules") if isinstance(said.get("rules"), list) else []
    reserved, media = count(posts, "characters_reserved_per_url"), count(posts, "max_media_attachments")
    return Instance(
        domain=_domain(text(said, "domain") or text(said, "uri"), host),
        streaming=text(urls, "streaming") or text(sub(said, "urls"), "streaming_api") or None,
        length=count(posts, "max_characters") or count(said, "max_toot_chars"),
        per_url=23 if reserved is None else reserved,
        media=4 if media is None else media,
        description_length=count(sub(settings, "media_attachments"), "description_limit"),
        rules=tuple(text(rule, "text") for rule in rules or () if isinstance(rule, dict) and text(rule, "text")),
        version=text(said, "version"),
    )


def _domain(said: str, host: str) -> str:
    # Some servers of this API write their whole address where the domain belongs.
    return (urlsplit(said).netloc if "//" in said else said) or host


def policy_warnings(raw: Json) -> tuple[str, ...]:
    """
    Say what an account's notification policy keeps from us: `drop` loses mentions, `filter` sets them aside.

    Version 1 of the policy holds booleans that all mean `filter`.
    """
    policy = raw if isinstance(raw, dict) else {}
    dropped = sorted(key for key, value in policy.items() if value == "drop")
    filtered = sorted(key for key, value in policy.items() if value in ("filter", True))
    warnings = []
    if dropped:
        warnings.append(f"The notification policy drops mentions that will never be heard: {', '.join(dropped)}.")
    if filtered:
        warnings.append(
            f"The notification policy sets aside mentions, which we hear all the same: {', '.join(filtered)}."
        )
    return tuple(warnings)


def read_reposts(raw: Json, domain: str) -> list[Repost]:
    """
    Read a page of `reblogged_by`, which tells who but not when. Entries that name nobody are left out.
    """
    reposts = []
    for entry in raw if isinstance(raw, list) else ():
        try:
            reposts.append(Repost(author=read_author(entry, domain)))
        except ValueError:
            continue
    return reposts


def scope_warnings(raw: Json) -> tuple[str, ...]:
    """
    Say what a token cannot do, as far as the application's scopes tell (Mastodon 4.3 and later).
    """
    scopes = raw.get("scopes") if isinstance(raw, dict) else None
    if not isinstance(scopes, list) or not scopes:
        return ()
    wanted = {"write:statuses": "answers and posts", "write:media": "pictures"}
    missing = [
        f"{what} ({scope})" for scope, what in wanted.items() if not {scope, "write"} & set(map(str, scopes))
    ]
    return (f"The token may not send {' and '.join(missing)}.",) if missing else ()
