"""
How people write the hours of a day: `09:00-12:30, 13:30-18:00`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.hours.rules import CLOSED, MINUTES, WHOLE_DAY, Span, Spans, spans_problem

MOST_SPANS = 12
SPANS_HELP = "write spans such as 09:00-12:30, 13:30-18:00; leave it empty for closed; 00:00-24:00 is all day"
_CLOSED = ("", "-", "–", "—", "closed", "休息", "休")
_ALL_DAY = ("24h", "all day", "全天")
_TIME = r"(\d{1,2})(?:[:.：h](\d{2}))?"
_SPAN = re.compile(rf"{_TIME}\s*(?:-|–|—|~|～|to|至|到)\s*{_TIME}", re.ASCII)


def read_spans(text: str) -> Spans:
    """
    Read the hours of one day, in the order of the day.

    Raises:
        ValueError: with what is wrong, in words.
    """
    plain = " ".join(text.split()).lower()
    if plain in _CLOSED:
        return CLOSED
    if plain in _ALL_DAY:
        return WHOLE_DAY
    return checked([_span(part.strip()) for part in re.split(r"[,;，；、]|\band\b", plain) if part.strip()])


def checked(spans: Sequence[Span]) -> Spans:
    """
    Give the spans of a day in order.

    Raises:
        ValueError: with what is wrong, in words.
    """
    if len(spans) > MOST_SPANS:
        raise ValueError(f"at most {MOST_SPANS} spans a day")
    if problem := spans_problem(spans):
        raise ValueError(problem)
    return tuple(sorted(spans))


def show_spans(spans: Sequence[Span]) -> str:
    """
    Write the hours of one day so that `read_spans` reads them back exactly.
    """
    return ", ".join(map(str, spans))


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text[:40]}" cannot be read; {SPANS_HELP}')
    hour, minute, last_hour, last_minute = (int(part or 0) for part in found.groups())
    if minute > 59 or last_minute > 59:
        raise ValueError(f'"{text}": an hour has the minutes 00 to 59')
    opens, closes = hour * 60 + minute, last_hour * 60 + last_minute
    if max(opens, closes) > MINUTES:
        raise ValueError(f'"{text}": times go from 00:00 to 24:00')
    return Span(opens=opens, closes=closes)
