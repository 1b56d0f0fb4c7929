"""
Turn HTML mail into plain text, and judge whether it is fit to be sanitised.

Pure and linear: no parser with a memory of its own, since a stranger's mail can bring down any of them. The text
is for reading only; whoever shows the HTML itself must sanitise it.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

MAX_HTML_CHARS = 1_000_000
MAX_DEPTH = 400
"""Deepest nesting that is handed on; sanitising time grows with its square (200,000 took 6 min)."""

_OPENS = re.compile(r"<(?=/?[a-zA-Z]|[!?])")
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]{0,15})")
_HIDDEN = {"script", "style", "title", "template"}
_LINE = {"br", "div", "p", "tr", "li", "ul", "ol", "table", "blockquote", "section", "article", "header", "footer"}
_LINE |= {"h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre", "center", "address"}
_PARAGRAPH = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "table", "pre", "ul", "ol"}
# Elements that close by themselves, or never open.
_FLAT = {"br", "p", "li", "td", "th", "tr", "dt", "dd", "thead", "tbody", "tfoot", "option", "img", "hr", "meta"}
_FLAT |= {"link", "input", "col", "colgroup", "area", "base", "wbr", "source", "html", "head", "body"}
_QUOTE_STARTS = re.compile(r"gmail_quote|divRplyFwdMsg|moz-cite-prefix|yahoo_quoted|protonmail_quote")
QUOTE_MARK = "\u0091hubbub-quote\u0091"
"""A line of its own where the mail program says that the quoted history begins; never left in a text."""


@dataclass(slots=True)
class _Writer:
    pieces: list[str] = field(default_factory=list)
    quotes: int = 0
    preformatted: bool = False

    def text(self, words: str) -> None:
        plain = html.unescape(words).replace(QUOTE_MARK, "").replace("\r\n", "\n")
        self.pieces.append(plain if self.preformatted else re.sub(r"[ \t\r\n\f\u00a0]+", " ", plain))

    def tag(self, name: str, whole: str) -> None:
        closing = whole.startswith("</")
        if name in _LINE:
            self.pieces.append("\n\n" if name in _PARAGRAPH else "\n")
        if not closing and _QUOTE_STARTS.search(whole):
            self.pieces.append(f"\n{QUOTE_MARK}\n")
        if name == "blockquote":
            self.quotes = max(0, min(self.quotes + (-1 if closing else 1), 5))
            self.pieces.append(f"\x00{self.quotes}\x00")
        elif name == "li" and not closing:
            self.pieces.append("- ")
        elif name in ("td", "th") and closing:
            self.pieces.append(" ")
        elif name == "pre":
            self.preformatted = not closing


def to_text(source: str) -> str:
    """
    Give the text of an HTML mail: lines where a reader sees lines, `> ` before what is in a blockquote.
    """
    writer = _Writer()
    at, source = 0, source[:MAX_HTML_CHARS].replace("\x00", "\ufffd")
    while at < len(source):
        opened = _OPENS.search(source, at)
        if opened is None:
            writer.text(source[at:])
            break
        writer.text(source[at : opened.start()])
        at = _after_tag(source, opened.start(), writer)
    return _lay_out("".join(writer.pieces))


def _after_tag(source: str, at: int, writer: _Writer) -> int:
    """
    Take what begins with `<` at `at`, and say where to go on; what is never closed runs to the end.
    """
    if source.startswith("<!--", at):
        return _after(source, "-->", at + 4)
    match = _TAG.match(source, at)
    if match is None:
        return _after(source, ">", at)  # a declaration
    name = match.group(1).lower()
    end = _after(source, ">", match.end())
    if name in _HIDDEN and not source.startswith("</", at):
        closed = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(source, end)
        return closed.end() if closed else len(source)
    writer.tag(name, source[at : min(end, at + 500)])
    return end


def _after(source: str, mark: str, at: int) -> int:
    found = source.find(mark, at)
    return len(source) if found < 0 else found + len(mark)


def _lay_out(text: str) -> str:
    lines: list[str] = []
    quotes = 0
    for line in text.split("\n"):
        first, *rest = re.split(r"\x00(\d)\x00", line)
        words = first
        for depth, more in zip(rest[::2], rest[1::2], strict=True):
            quotes = int(depth)
            words += more
        words = re.sub(r" {2,}", " ", words).strip()
        lines.append(f"{'>' * quotes} {words}" if quotes and words and words != QUOTE_MARK else words)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def fit_to_show(source: str) -> bool:
    """
    Tell whether HTML is small and flat enough to be sanitised in a moment.
    """
    if len(source) > MAX_HTML_CHARS:
        return False
    depth = deepest = 0
    for match in _TAG.finditer(source):
        if match.group(1).lower() not in _FLAT:
            depth = max(0, depth - 1) if match.group().startswith("</") else depth + 1
            deepest = max(deepest, depth)
    return deepest <= MAX_DEPTH
