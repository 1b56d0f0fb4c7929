"""
Take a raw mail apart: its parts, the text to read, the HTML as it came, the files that came with it.

Pure, iterative and bounded: parts are spans of the raw bytes and only what is shown is decoded. The standard
library's parser is not used on whole mails: it recurses by nesting and copies the mail several times.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from connectors.base import Attachment
from connectors.email.markup import MAX_HTML_CHARS, to_text
from connectors.email.quoting import unflow
from connectors.email.text import MAX_HEADER_BYTES, Headers, clean, decode, decode_words, read_headers, unbase64

MAX_PARTS = 500
MAX_LOOKALIKES = 20_000
"""Lines that begin like a boundary; a container with more of them is not searched to its end."""
MAX_NESTING = 30
MAX_TEXT_CHARS = 1_000_000
MAX_TEXT_BYTES = 4 * MAX_TEXT_CHARS
MAX_NAME_CHARS = 120

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
# Characters that turn or hide what a file name says: controls and the bidirectional overrides.
_TRICKS = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


class TooManyParts(ValueError):
    """
    The mail has more parts than anybody sends.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    A leaf of the tree: its headers, its type, and where its body lies in the raw mail.

    Args:
        alternative: names the nearest multipart/alternative around it; None outside of any.
    """

    headers: Headers
    kind: str
    start: int
    end: int
    alternative: int | None = None

    def param(self, name: str, field: str = "content-type") -> str:
        """
        Give a parameter of Content-Type or Content-Disposition, RFC 2231 and encoded words decoded.
        """
        return _param(self.headers, field, name)

    @property
    def file_name(self) -> str:
        return safe_name(self.param("filename", "content-disposition") or self.param("name"))

    @property
    def is_body(self) -> bool:
        """
        Tell whether this is text to read, and not a file.
        """
        disposition = self.headers.get("content-disposition").partition(";")[0].strip().lower()
        return self.kind in ("text/plain", "text/html") and disposition != "attachment" and not self.file_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """
    A raw mail, taken apart. `kind` is the type of the whole.
    """

    raw: bytes
    headers: Headers
    kind: str
    report_type: str
    parts: tuple[Part, ...]

    def content(self, part: Part, most: int = MAX_TEXT_BYTES) -> bytes:
        """
        Decode a part's transfer encoding, reading at most `most` raw bytes of it.
        """
        data = self.raw[part.start : min(part.end, part.start + most)]
        match part.headers.get("content-transfer-encoding").strip().lower():
            case "base64":
                return unbase64(data)
            case "quoted-printable":
                return binascii.a2b_qp(data)
            case _:
                return data

    def first(self, *kinds: str) -> Part | None:
        return next((part for part in self.parts if part.kind in kinds), None)


def take_apart(raw: bytes) -> Mail:
    """
    Find the parts of a mail.

    Raises:
        TooManyParts: more than `MAX_PARTS`.
    """
    headers, body = _headers_at(raw, 0, len(raw))
    return Mail(
        raw=raw,
        headers=headers,
        kind=_kind(headers),
        report_type=_param(headers, "content-type", "report-type").lower(),
        parts=tuple(_leaves(raw, headers, body)),
    )


def _leaves(raw: bytes, headers: Headers, body: int) -> Iterator[Part]:
    # A stack instead of recursion: the depth of a mail is the sender's choice.
    stack = [(headers, body, len(raw), 0, _alternative(headers, body, None))]
    taken = 0
    while stack:
        inside, start, end, depth, group = stack.pop()
        kind = _kind(inside)
        boundary = _param(inside, "content-type", "boundary") if kind.startswith("multipart/") else ""
        spans = list(_split(raw, boundary, start, end)) if boundary and depth < MAX_NESTING else []
        taken += 1 + len(spans)
        if taken > MAX_PARTS:
            raise TooManyParts(f"more than {MAX_PARTS} parts")
        if not spans:
            yield Part(headers=inside, kind=kind, start=start, end=end, alternative=group)
            continue
        for first, last in reversed(spans):
            below, content = _headers_at(raw, first, last)
            stack.append((below, content, last, depth + 1, _alternative(below, content, group)))


def _alternative(headers: Headers, at: int, outer: int | None) -> int | None:
    return at if _kind(headers) == "multipart/alternative" else outer


def _split(raw: bytes, boundary: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """
    Yield the spans between the boundary lines; a missing end boundary ends with the container.
    """
    mark = b"--" + boundary.encode("utf-8", "replace")
    opened: int | None = None
    for looked, at in enumerate(_line_starts(raw, mark, start, end)):
        if looked > MAX_LOOKALIKES:
            raise TooManyParts(f"more than {MAX_PARTS} parts")
        after = at + len(mark)
        line_end = raw.find(b"\n", after, min(end, after + 200))
        rest = raw[after : line_end if line_end >= 0 else min(end, after + 200)].strip()
        if rest not in (b"", b"--"):
            continue
        if opened is not None:
            yield opened, _without_line_end(raw, opened, at)
        if rest:
            return
        opened = line_end + 1 if line_end >= 0 else end
    if opened is not None:
        yield opened, end


def _line_starts(raw: bytes, mark: bytes, start: int, end: int) -> Iterator[int]:
    """
    Yield where a line begins with `mark`.
    """
    if raw.startswith(mark, start, end):
        yield start
    at = raw.find(b"\n" + mark, start, end)
    while at >= 0:
        yield at + 1
        at = raw.find(b"\n" + mark, at + 1, end)


def _without_line_end(raw: bytes, start: int, end: int) -> int:
    # The line end before a boundary belongs to the boundary (RFC 2046, section 5.1.1).
    for mark in (b"\r\n", b"\n"):
        if end - len(mark) >= start and raw[end - len(mark) : end] == mark:
            return end - len(mark)
    return end


def _headers_at(raw: bytes, start: int, end: int) -> tuple[Headers, int]:
    if raw[start : start + 2] == b"\r\n" or raw[start : start + 1] == b"\n":
        return Headers(), start + (2 if raw[start : start + 1] == b"\r" else 1)
    limit = min(end, start + MAX_HEADER_BYTES)
    blank = _BLANK_LINE.search(raw, start, limit)
    if blank is None:
        return read_headers(raw[start:limit]), limit
    return read_headers(raw[start : blank.start()]), blank.end()


def _kind(headers: Headers) -> str:
    return _typed(headers, "content-type").get_content_type()


def _param(headers: Headers, field: str, name: str) -> str:
    value = _typed(headers, field).get_param(name, "", header=field)
    if isinstance(value, tuple):  # RFC 2231: charset, language, text that stands for bytes
        charset, _, text = value
        value = decode(text.encode("latin-1", "replace"), charset or "utf-8")
    return decode_words(str(value))


def _typed(headers: Headers, field: str) -> Message:
    # The standard library reads parameters well, but in quadratic time: no field is longer than this in earnest.
    message = Message()
    message[field] = " ".join(headers.get(field)[:4000].split())
    return message


def safe_name(name: str) -> str:
    """
    Make a file name harmless: no path, no control or direction marks, not too long.
    """
    last = _TRICKS.sub("", clean(name)).replace("\\", "/").rpartition("/")[2].strip(" .")
    if len(last) <= MAX_NAME_CHARS:
        return last
    stem, dot, ending = last.rpartition(".")
    return f"{stem[: MAX_NAME_CHARS - 12]}…{dot}{ending[:10]}" if dot else last[:MAX_NAME_CHARS]


def readable(mail: Mail) -> tuple[str, str | None]:
    """
    Choose what a person reads: plain text (made of HTML where there is no other), and the HTML as it came.
    """
    bodies = [(part, _text_of(mail, part)) for part in mail.parts if part.is_body]
    with_plain = {part.alternative for part, text in bodies if part.kind == "text/plain" and text.strip()}
    texts: list[str] = []
    pages: list[str] = []
    for part, text in bodies:
        if part.kind == "text/plain":
            texts.append(text)
            continue
        pages.append(text)
        if part.alternative is None or part.alternative not in with_plain:
            texts.append(to_text(text))
    whole = "\n\n".join(text.strip("\n") for text in texts if text.strip())
    page = "\n".join(pages) if pages else None
    return _cut(whole, MAX_TEXT_CHARS), page if page is None else _cut(page, MAX_HTML_CHARS + 1)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most]


def _text_of(mail: Mail, part: Part) -> str:
    text = decode(mail.content(part), part.param("charset")).replace("\r\n", "\n").replace("\r", "\n")
    if part.kind == "text/plain" and part.param("format").lower() == "flowed":
        return unflow(text, delete_space=part.param("delsp").lower() == "yes")
    return text


def attachments(mail: Mail) -> tuple[Attachment, ...]:
    """
    List the files of a mail; their content is not decoded, so the size of an encoded one is its estimate.
    """
    return tuple(_attachment(part) for part in mail.parts if not part.is_body)


def _attachment(part: Part) -> Attachment:
    length = part.end - part.start
    encoded = part.headers.get("content-transfer-encoding").strip().lower() == "base64"
    major = part.kind.partition("/")[0]
    return Attachment(
        kind=major if major in ("image", "video", "audio") else "file",
        name=part.file_name or ("message.eml" if part.kind == "message/rfc822" else ""),
        content_type=clean(part.kind),
        # 78 characters a line carry 57 bytes: four letters for three bytes, and the line ends.
        size=length * 57 // 78 if encoded else length,
        description=_TRICKS.sub("", decode_words(part.headers.get("content-description")))[:300],
    )
