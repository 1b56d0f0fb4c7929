"""
Message ids, and the headers that tie a mail to the one it answers (RFC 5322, section 3.6.4).

Pure. What a sender writes in them is a claim, not a fact: anybody can write anybody's id, so nothing here decides
which conversation a mail belongs to.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

MAX_ID_CHARS = 250
MAX_CLAIMED = 50
KEPT_AT_EACH_END = 10
"""Ids kept of a long References field: the first ten and the last ten."""

_ID = re.compile(rf"<([^<>\s]{{1,{MAX_ID_CHARS}}})>")
_BARE_ID = re.compile(rf"[^<>\s]{{1,{MAX_ID_CHARS}}}")
_REPLY_PREFIX = re.compile(r"\s*(?:re|aw|sv|antw|回复|答复|回覆)\s*(?:\[\d+\])?\s*[:：]\s*", re.IGNORECASE)
_KEY = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


def ids(value: str) -> tuple[str, ...]:
    """
    Find the message ids in a field, without their brackets.
    """
    return tuple(_ID.findall(value))


def message_id(value: str) -> str | None:
    """
    Read a Message-ID field; some software leaves the brackets out.
    """
    found = ids(value)
    if found:
        return found[0]
    bare = value.strip()
    return bare if _BARE_ID.fullmatch(bare) else None


def claimed(in_reply_to: str, references: str) -> tuple[str, ...]:
    """
    List the ids that a mail says it answers, nearest first, each once.
    """
    bare = message_id(in_reply_to) if "@" in in_reply_to else None
    nearest = ids(in_reply_to) or ((bare,) if bare else ())
    return tuple(dict.fromkeys((*nearest, *reversed(ids(references)))))[:MAX_CLAIMED]


def references_for_answer(parent: str | None, in_reply_to: str, references: str) -> tuple[str, ...]:
    """
    Build References for an answer to `parent`: the parent's own, or its only In-Reply-To, then the parent.
    """
    before = ids(references)
    if not before and len(ids(in_reply_to)) == 1:
        before = ids(in_reply_to)
    chain = tuple(dict.fromkeys((*before, *((parent,) if parent else ()))))
    return cap(chain)


def cap(chain: Sequence[str]) -> tuple[str, ...]:
    """
    Cut a long chain to its first and last ids.
    """
    if len(chain) <= 2 * KEPT_AT_EACH_END:
        return tuple(chain)
    return (*chain[:KEPT_AT_EACH_END], *chain[-KEPT_AT_EACH_END:])


def reply_subject(subject: str) -> str:
    """
    Put `Re: ` before a subject, once, whatever prefixes of whichever language it carries.
    """
    rest = subject
    while match := _REPLY_PREFIX.match(rest):
        rest = rest[match.end() :]
    return f"Re: {rest.strip()}"


def own_id(key: str, address: str) -> str:
    """
    Make the Message-ID of our mail from its key: the same key gives the same id, so that it can be looked for.
    """
    name = key if len(key) <= 100 and _KEY.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()[:40]
    return f"{name}@{address.rpartition('@')[2].lower()}"
