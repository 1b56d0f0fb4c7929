"""
Text as people write it: who is mentioned, how long it counts, and the HTML that servers make of it. Pure.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import regex

_MENTION = r"(?<![\w/@=.])@(?P<user>[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)(?:@(?P<domain>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?))?"  # noqa: E501
_LINK = r"(?P<link>https?://[^\s<>\"'’”，。！？）]+[^\s<>\"'’”.,:;!?()\[\]，。！？）])"
_TAG = r"(?<![\w/&#])#(?P<tag>\w*[^\W\d]\w*)"
_TOKEN = re.compile(f"{_LINK}|{_MENTION}|{_TAG}")
_SHORTCODE = re.compile(r"(?<![\w:]):([a-zA-Z0-9_]{2,}):(?![\w:])")
_SHOWN_CHARACTERS = 30
"""How much of an address Mastodon shows before it cuts it (text_formatter.rb)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentioned:
    """
    What a mention in a text becomes: the address and the short name to show.
    """

    url: str
    username: str


def mentioned_names(text: str) -> list[str]:
    """
    List the names in a text, as written without the first @, in lower case, each once.
    """
    found = (match for match in _TOKEN.finditer(text) if match["user"])
    return list(dict.fromkeys(_name(match) for match in found))


def shortcodes(*texts: str) -> list[str]:
    """
    List the custom emoji that texts use, each once.
    """
    return list(dict.fromkeys(code for text in texts for code in _SHORTCODE.findall(text)))


def hashtags(text: str) -> list[str]:
    """
    List the hashtags of a text in lower case, each once.
    """
    return list(dict.fromkeys(match["tag"].lower() for match in _TOKEN.finditer(text) if match["tag"]))


def counted_length(text: str, *, url_characters: int) -> int:
    """
    Count as Mastodon does: grapheme clusters, an address as a fixed number, a foreign mention without its domain.

    Source: mastodon, app/validators/status_length_validator.rb.
    """

    def short(match: re.Match[str]) -> str:
        if match["link"]:
            return "x" * url_characters
        return f"@{match['user']}" if match["user"] else match[0]

    return len(regex.findall(r"\X", _TOKEN.sub(short, text)))


def to_html(text: str, mentions: Mapping[str, Mentioned], *, tag_base: str) -> str:
    """
    Make the HTML that Mastodon makes of a text, with its traps: mentions as cards that show the short name,
    addresses split into visible and invisible parts, paragraphs and `<br />`.

    Args:
        mentions: by name as `mentioned_names` gives it; names that are missing stay plain text.
    """

    def piece(match: re.Match[str]) -> str:
        if match["link"]:
            return _link(match["link"])
        if match["tag"]:
            return _tag(match["tag"], tag_base)
        whom = mentions.get(_name(match))
        return _card(whom) if whom else html.escape(match[0])

    paragraphs = re.split(r"\n{2,}", text.replace("\r\n", "\n").strip("\n"))
    made = (_escaped_between(part, piece).replace("\n", "<br />") for part in paragraphs)
    return "".join(f"<p>{part}</p>" for part in made) if text else ""


def _escaped_between(text: str, piece: Callable[[re.Match[str]], str]) -> str:
    made, at = [], 0
    for match in _TOKEN.finditer(text):
        made += [html.escape(text[at : match.start()]), piece(match)]
        at = match.end()
    return "".join([*made, html.escape(text[at:])])


def _name(match: re.Match[str]) -> str:
    return (f"{match['user']}@{match['domain']}" if match["domain"] else match["user"]).lower()


def _card(whom: Mentioned) -> str:
    return (
        f'<span class="h-card" translate="no"><a href="{html.escape(whom.url)}" class="u-url mention">'
        f"@<span>{html.escape(whom.username)}</span></a></span>"
    )


def _tag(tag: str, base: str) -> str:
    return (
        f'<a href="{html.escape(base + tag.lower())}" class="mention hashtag" rel="tag">'
        f"#<span>{html.escape(tag)}</span></a>"
    )


def _link(url: str) -> str:
    scheme = re.match(r"https?://(?:www\.)?", url)
    start = scheme.end() if scheme else 0
    shown, rest = url[start : start + _SHOWN_CHARACTERS], url[start + _SHOWN_CHARACTERS :]
    style = "ellipsis" if rest else ""
    return (
        f'<a href="{html.escape(url)}" rel="nofollow noopener" translate="no" target="_blank">'
        f'<span class="invisible">{html.escape(url[:start])}</span>'
        f'<span class="{style}">{html.escape(shown)}</span>'
        f'<span class="invisible">{html.escape(rest)}</span></a>'
    )
