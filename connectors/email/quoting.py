"""
Tell what somebody wrote from what he quotes below it, and undo format=flowed (RFC 3676).

Pure and line by line. When in doubt the text stays whole: folding away a question is worse than showing a quote.
"""

from __future__ import annotations

import re

from connectors.email.markup import QUOTE_MARK

_ATTRIBUTION = re.compile(
    r"^\s*(?:On\b.{4,300}\bwrote|Am\b.{4,300}\bschrieb.{0,100}|Le\b.{4,300}\ba écrit|El\b.{4,300}\bescribió"
    r"|在.{4,300}写道|于.{4,300}写道|.{4,200}(?:写道|寫道))\s*[:：]\s*$"
)
_ATTRIBUTION_BEGINS = re.compile(r"^\s*(?:On|Am|Le|El|在|于)")
_SEPARATOR = re.compile(
    r"^\s*-{2,}\s*(?:Original Message|Ursprüngliche Nachricht|Message d'origine|原始邮件|原始郵件|回复的原邮件"
    r"|Forwarded message)\s*-{2,}\s*$",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(
    r"^\s*\*?(From|Sent|Date|To|Subject|Von|Gesendet|发件人|发送时间|收件人|主题|寄件者)\*?\s*[:：]"
)
_RULE = re.compile(r"^\s*(?:_{10,}|-{10,})\s*$")


def split(text: str) -> tuple[str, str]:
    """
    Split a text into what was written and the quoted history after it.

    A quote is split off only when nothing of the writer's own follows it; an answer below or between quoted lines
    stays with them.
    """
    lines = text.split("\n")
    at = _history_starts(lines)
    written = "\n".join(line for line in lines[:at] if line != QUOTE_MARK).rstrip()
    quoted = "\n".join(line for line in lines[at:] if line != QUOTE_MARK).strip("\n")
    if not written.strip():
        return quoted.strip(), ""
    return written, quoted


def _history_starts(lines: list[str]) -> int:
    marked = _first_marker(lines)
    return marked if marked is not None else _trailing_quote(lines)


def _first_marker(lines: list[str]) -> int | None:
    """
    Find the line where a mail program says that all that follows is history.
    """
    for at, line in enumerate(lines):
        if _SEPARATOR.match(line) or (line == QUOTE_MARK and not _goes_on_below(lines[at + 1 :])):
            return at
        if _HEADER_LINE.match(line) and _is_header_block(lines[at : at + 6]):
            return at - 1 if at and _RULE.match(lines[at - 1]) else at
    return None


def _goes_on_below(lines: list[str]) -> bool:
    """
    Tell whether somebody writes on below quoted lines; his signature does not count.
    """
    quoted = [at for at, line in enumerate(lines) if line.startswith(">")]
    for line in lines[quoted[0] if quoted else len(lines) :]:
        if line == "--":
            return False
        if line.strip() and line != QUOTE_MARK and not line.startswith(">"):
            return True
    return False


def _is_header_block(lines: list[str]) -> bool:
    names = {match.group(1) for line in lines if (match := _HEADER_LINE.match(line))}
    return len(names) >= 3


def _trailing_quote(lines: list[str]) -> int:
    """
    Find where the quoted lines at the end begin, with the line that says whose they are.
    """
    at = len(lines)
    while at and (lines[at - 1].lstrip().startswith(">") or not lines[at - 1].strip()):
        at -= 1
    if not any(line.lstrip().startswith(">") for line in lines[at:]):
        return len(lines)
    for height in (1, 2, 3):
        begin = at - height
        said = " ".join(line.strip() for line in lines[max(begin, 0) : at])
        if begin >= 0 and _ATTRIBUTION_BEGINS.match(said) and _ATTRIBUTION.match(said[:700]):
            return begin
    return at - 1 if at and _ATTRIBUTION.match(lines[at - 1][:700]) else at


def unflow(text: str, *, delete_space: bool) -> str:
    """
    Join the soft-broken lines of format=flowed, quote level by quote level.

    Args:
        delete_space: the mail says DelSp=yes: the space before a soft break is no part of the text.
    """
    done: list[str] = []
    depth_before: int | None = None  # of a line that goes on
    for line in text.split("\n"):
        body = line.lstrip(">")
        depth = len(line) - len(body)
        body = body.removeprefix(" ")
        soft = body.endswith(" ") and body != "-- "
        if depth_before == depth and body != "-- ":
            done[-1] += body
        else:
            done.append(f"{'>' * depth} {body}" if depth else body)
        if soft and delete_space:
            done[-1] = done[-1][:-1]
        depth_before = depth if soft else None
    return "\n".join(done)
