"""
Text as Mastodon servers write and count it: HTML to plain text, length of a post, mentions, likeness of two texts.

Pure functions that never raise, whatever the text, in time proportional to its length. The result is plain text
and not safe HTML: a tag that is not known formatting is kept as text for a person to see.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from typing import Final

import regex
from yarl import URL

# `[^<>]*` cannot run past the next bracket, which keeps scanning linear on hostile input.
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)([^<>]*)>")
_ATTRIBUTE: Final = re.compile(r"""(?<![a-zA-Z-])([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_SPACE: Final = re.compile(r"[ \t\r\n\f]+")
_URL: Final = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)
_MENTION: Final = re.compile(r"(?<![\w/=@])@([a-zA-Z0-9_](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9_])?)(?:@([\w.-]*\w))?")
_GRAPHEME: Final = regex.compile(r"\X")

_PARAGRAPHS: Final = frozenset({"p", "ul", "ol", "pre", "blockquote", "table", "h1", "h2", "h3", "h4", "h5", "h6"})
_LINES: Final = frozenset({"div", "li", "tr", "hr", "dt", "dd"})
_INLINE: Final = frozenset(
    {"a", "span", "b", "strong", "i", "em", "u", "s", "del", "ins", "code", "small", "sub", "sup"}
)
_RARE: Final = frozenset(
    {"mark", "q", "cite", "abbr", "ruby", "rb", "rt", "rp", "td", "th", "thead", "tbody", "wbr"}
)
_KNOWN: Final = _PARAGRAPHS | _LINES | _INLINE | _RARE | {"br", "img"}


def html_to_text(content: str, mentions: Mapping[str, str] | None = None) -> str:
    """
    Turn a post's HTML into the plain text its author saw.

    Args:
        mentions: `acct` by the URL of the mentioned account, to complete mentions that show the name alone.
    """
    writer = _Writer(mentions or {})
    end = 0
    for tag in _TAG.finditer(content):
        writer.text(content[end : tag.start()])
        end = tag.end()
        closing, name, rest = tag[1] == "/", tag[2].lower(), tag[3]
        if name not in _KNOWN:
            writer.text(tag[0])
        elif closing:
            writer.close(name)
        else:
            writer.open(name, _attributes(rest))
    writer.text(content[end:])
    return writer.finish()


def _attributes(source: str) -> dict[str, str]:
    # Values are decoded here and nowhere else, or `&amp;lt;` would be decoded twice.
    return {name.lower(): html.unescape(one or two) for name, one, two in _ATTRIBUTE.findall(source)}


class _Writer:
    """
    Collect text, breaks and links while tags pass by. Decides; writes nothing but its own list.
    """

    def __init__(self, mentions: Mapping[str, str]) -> None:
        self._mentions = mentions
        self._out: list[str] = []
        self._breaks = 0  # line breaks owed before the next text
        self._pre = False
        self._skip: str | None = None  # the tag name whose end ends the skipping
        self._skip_depth = 0
        self._link: tuple[str, str] | None = None  # href and class of the open link
        self._shown: list[str] = []

    def text(self, source: str) -> None:
        if not source or self._skip:
            return
        said = html.unescape(source if self._pre else _SPACE.sub(" ", source))
        if self._link is not None:
            self._shown.append(said)
        else:
            self._say(said)

    def open(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._skip:
            self._skip_depth += name == self._skip
            return
        classes = attributes.get("class", "").split()
        if "quote-inline" in classes:  # "RE: <link>" for clients that do not know quotes
            self._skip, self._skip_depth = name, 1
        elif name == "br":
            self._break(self._breaks + 1)
        elif name in _PARAGRAPHS:
            self._break(2)
            self._pre = self._pre or name == "pre"
        elif name in _LINES:
            self._break(1)
            if name == "li":
                self._say("- ")
        elif name == "img":
            self.text(html.escape(attributes.get("alt", "")))
        elif name == "a":
            self._end_link()
            self._link = (attributes.get("href", ""), " ".join(classes))

    def close(self, name: str) -> None:
        if self._skip:
            self._skip_depth -= name == self._skip
            if self._skip_depth == 0:
                self._skip = None
        elif name == "a":
            self._end_link()
        elif name in _PARAGRAPHS:
            self._pre = self._pre and name != "pre"
            self._break(2)
        elif name in _LINES:
            self._break(1)

    def finish(self) -> str:
        self._end_link()
        lines = "".join(self._out).split("\n")
        return "\n".join(line.rstrip(" ") for line in lines).strip("\n ")

    def _end_link(self) -> None:
        if self._link is None:
            return
        (href, classes), shown = self._link, "".join(self._shown)
        self._link, self._shown = None, []
        self._say(_link_text(href, classes.split(), shown, self._mentions))

    def _break(self, count: int) -> None:
        if self._link is not None:  # a break within a link parts its words, not the lines
            self._shown.append(" ")
            return
        self._breaks = max(self._breaks, count) if self._out else 0

    def _say(self, said: str) -> None:
        if not self._pre and (self._breaks or not self._out):
            said = said.lstrip(" ")
        if not said:
            return
        self._out.append("\n" * self._breaks + said)
        self._breaks = 0


def _link_text(href: str, classes: list[str], shown: str, mentions: Mapping[str, str]) -> str:
    if "hashtag" in classes:
        return shown
    if href in mentions and ("mention" in classes or shown.startswith("@")):
        return f"@{mentions[href]}"
    if "mention" in classes or not _URL.match(href):
        return shown
    # A shown address is often cut; the whole one is in href. Other words are kept beside it, so that nobody is
    # led to think that a link goes where it does not.
    return href if _is_start_of(shown.strip().rstrip("…"), href) else f"{shown} ({href})"


def _is_start_of(shown: str, href: str) -> bool:
    address, said = (_SCHEME.sub("", one) for one in (href, shown))
    host = address.partition("/")[0]
    return not said or (said.startswith(host) and address.startswith(said))


def length_of(text: str, warning: str = "", *, per_url: int = 23) -> int:
    """
    Count a post as Mastodon does: grapheme clusters, an URL as `per_url`, a remote mention as its name alone.

    Source of the rules: app/validators/status_length_validator.rb of Mastodon. `warning` is the content warning,
    which counts too.
    """
    counted = _URL.sub(lambda _: "x" * per_url, text)
    counted = _MENTION.sub(lambda mention: f"@{mention[1]}", counted)
    return sum(1 for _ in _GRAPHEME.finditer(warning + counted))


def with_mention(text: str, acct: str, also: tuple[str, ...] = ()) -> str:
    """
    Put `@acct` before a text that does not mention that account yet; without it the other side hears nothing.

    Args:
        also: other spellings of the same account that the server understands as well.
    """
    names = {name.lower() for name in (acct, *also)}
    found = {f"{m[1]}@{m[2]}".lower() if m[2] else m[1].lower() for m in _MENTION.finditer(text)}
    return text if names & found else f"@{acct} {text}".rstrip()


def likeness(text: str) -> str:
    """
    Reduce a text to what servers do not change: two texts of the same likeness are the same post.

    Servers render light mark-up, shorten or complete mentions, respell addresses and trim space.
    """
    text = _URL.sub(lambda url: _respelled(url[0]), text)
    text = _MENTION.sub(lambda mention: f"@{mention[1]}", text)
    kept = [
        char
        for char in unicodedata.normalize("NFC", text).casefold()
        if not (char.isspace() or unicodedata.category(char)[0] in "ZPC" or char in "`~^<>|")
    ]
    return "".join(kept) or "".join(text.split())


def _respelled(url: str) -> str:
    try:
        return URL(url).human_repr()
    except ValueError:
        return url
