"""
Turn bytes of unknown honesty into text: charsets that lie, encoded words, header blocks, addresses.

Pure, and linear in its input: mail is written by strangers. Knows nothing of MIME structure.
"""

from __future__ import annotations

import binascii
import codecs
import email.utils
import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_HEADER_BYTES = 256 * 1024
"""Longest header block that is read; RFC 5322 has no bound, large providers refuse mail beyond 64-256 KB."""
MAX_FIELDS = 1000
MAX_FIELD_CHARS = 64 * 1024

_REAL_CHARSETS = {
    # What the names mean in mail as it is: the superset that the senders' software uses.
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc_kr": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "big5": "big5hkscs",
    "iso-8859-8-i": "iso-8859-8",
    "latin1": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
}
_WESTERN = {"cp1252", "iso8859-15", ""}
# Python codecs that are no charsets; punycode is quadratic.
_NO_CHARSETS = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}

_FIELD_NAME = re.compile(r"[!-9;-~]{1,100}")
_ENCODED_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?\s]*)\?=")
_BARE_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]]{1,100}@[^\s<>,;:\"()\[\]@]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """
    A mail address as written, and the name before it.
    """

    spec: str
    name: str = ""

    @property
    def key(self) -> str:
        return self.spec.lower()

    @property
    def local_part(self) -> str:
        return self.key.rpartition("@")[0] or self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """
    A header block: fields in their order, names lower-cased, values unfolded but not decoded.
    """

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """
        Give the first field of that name, or an empty text.
        """
        return next((value for key, value in self.fields if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.fields if key == name)

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.fields)


def clean(text: str) -> str:
    """
    Replace what no database takes in a text: NUL and lone surrogates.
    """
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def charset_of(declared: str) -> str:
    """
    Give the Python codec for a declared charset, or an empty text for one that does not exist.
    """
    name = declared.strip().strip("\"'").lower()
    try:
        codec = codecs.lookup(_REAL_CHARSETS.get(name, name)).name
        b"a".decode(codec, "ignore")  # refuses codecs that are no text encodings
    except (LookupError, ValueError):
        return ""
    codec = _REAL_CHARSETS.get(codec.replace("_", "-"), codec)
    return "" if codec.replace("-", "_") in _NO_CHARSETS else codec


def decode(data: bytes, declared: str = "") -> str:
    """
    Decode text whose declared charset may lie; never fails.

    UTF-8 goes before a declared western charset, and before any other for more than a few characters: a longer
    text that reads as UTF-8 hardly ever is anything else.
    """
    charset = charset_of(declared)
    beyond_ascii = len(re.sub(rb"[\x00-\x7f]+", b"", data[:4096]))
    utf8_first = charset in _WESTERN or beyond_ascii >= 12
    order = ("utf-8", charset or "cp1252") if utf8_first else (charset, "utf-8")
    for candidate in order:
        try:
            return clean(data.decode(candidate))
        except ValueError:
            continue
    guess = data.decode(charset or "utf-8", "replace")
    # A few bad bytes in a long text are damage; many mean that the declared charset is a lie.
    damaged = guess.count("\ufffd") * 200 <= len(guess)
    return clean(guess if damaged or charset not in ("utf-8", "") else data.decode("cp1252", "replace"))


def read_headers(block: bytes) -> Headers:
    """
    Read a header block; lines that are no field are skipped.
    """
    unfolded = re.sub(rb"(?:\r\n|\r|\n)+(?=[ \t])", b"", block[:MAX_HEADER_BYTES])
    fields: list[tuple[str, str]] = []
    for line in unfolded.splitlines():
        name, colon, value = line.partition(b":")
        label = name.decode("latin-1").rstrip()
        if colon and _FIELD_NAME.fullmatch(label) and len(fields) < MAX_FIELDS:
            fields.append((label.lower(), decode(value.strip())[:MAX_FIELD_CHARS]))
    return Headers(fields=tuple(fields))


def decode_words(value: str) -> str:
    """
    Decode RFC 2047 encoded words; characters split over two words are joined again.
    """
    pieces: list[tuple[str, bytes] | str] = []
    last = 0
    for match in _ENCODED_WORD.finditer(value):
        between = value[last : match.start()]
        last = match.end()
        charset, encoding, payload = match.groups()
        data = _unpack(encoding.lower(), payload)
        previous = pieces[-1] if pieces else ""
        # White space between two encoded words is no part of the text (RFC 2047, section 6.2).
        if isinstance(previous, tuple) and not between.strip():
            between = ""
            if previous[0] == charset.lower():
                pieces[-1] = (previous[0], previous[1] + data)
                continue
        pieces += [between, (charset.lower(), data)]
    pieces.append(value[last:])
    text = "".join(piece if isinstance(piece, str) else decode(piece[1], piece[0]) for piece in pieces)
    return " ".join(clean(text).split())


def _unpack(encoding: str, payload: str) -> bytes:
    data = payload.encode("utf-8", "replace")
    if encoding == "q":
        return binascii.a2b_qp(data, header=True)
    return unbase64(data)


def unbase64(data: bytes) -> bytes:
    """
    Decode base64 that may be cut or dirty.
    """
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")


def addresses(values: Iterable[str]) -> tuple[Address, ...]:
    """
    Read the addresses of header fields; empty when there is none.
    """
    found: list[Address] = []
    for value in values:
        found += _addresses(value[: MAX_FIELD_CHARS // 4])
    return tuple(found)


def _addresses(value: str) -> list[Address]:
    try:
        pairs = email.utils.getaddresses([value])
    except RecursionError:  # comments nested thousands deep
        pairs = []
    read = [Address(spec=spec.strip(), name=decode_words(name)) for name, spec in pairs if spec.strip()]
    if any("@" in address.spec for address in read):
        return [address for address in read if "@" in address.spec and not re.search(r"\s", address.spec)]
    bare = _BARE_ADDRESS.findall(value)
    # A mail system's own `MAILER-DAEMON` has no domain and still is somebody.
    return [Address(spec=spec) for spec in bare] or read[:1]
