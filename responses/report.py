"""
Count how often readings agree with golden texts, beside plain TextBlob. Pure: rows in, report out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from responses.english import plain_polarity
from responses.reading import read
from responses.values import Intent, Mood

YARDSTICK = 0.1
"""Plain TextBlob is taken to say positive above this polarity, negative below its opposite, else neutral."""
MEASURING = frozenset({"held-out", "fresh", "unseen"})
"""Halves whose misses are counted but never shown: who has read them tunes on them."""
READ_LANGUAGES = ("en", "zh")
OPPOSITES = {Mood.POSITIVE, Mood.NEGATIVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenRow:
    """
    One golden text and what people say of it; language None means it cannot be told.
    """

    half: str
    language: str | None
    mood: Mood
    intent: Intent
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """
    One disagreement: of what, in which text.
    """

    half: str
    of: str
    expected: str
    got: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """
    Shares of agreement, from 0 to 1, over one group of texts.

    `intent` is counted over English and Chinese texts only, for the rules know no other language; None when the
    group holds none. `mood_reversed` is the share of texts whose mood was taken for its opposite, which hurts
    more than one not seen.
    """

    texts: int
    language: float
    mood: float
    mood_reversed: float
    intent: float | None
    plain_textblob_mood: float
    plain_textblob_mood_reversed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    Accuracy by group ("all", "tuning", "held-out en", "held-out others" ...), and the misses that may be shown.
    """

    groups: dict[str, Accuracy]
    misses: tuple[Miss, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Marked:
    row: GoldenRow
    language: str | None
    mood: Mood
    intent: Intent
    plain: Mood


def parse_golden(text: str) -> list[GoldenRow]:
    """
    Read the golden file's text: tab-separated, `#` comments, one line of column names.

    Raises:
        ValueError: a line has not five columns or an unknown mood or intent; names the line.
    """
    lines = [
        (number, line) for number, line in enumerate(text.splitlines(), 1) if line and not line.startswith("#")
    ]
    return [_golden_row(number, line) for number, line in lines[1:]]


def _golden_row(number: int, line: str) -> GoldenRow:
    try:
        half, language, mood, intent, text = line.split("\t")
        code = None if language == "-" else language
        return GoldenRow(half=half, language=code, mood=Mood(mood), intent=Intent(intent), text=text)
    except ValueError as error:
        raise ValueError(f"line {number} is no golden text: {error}") from error


def plain_mood(text: str) -> Mood:
    """
    Name the mood that plain TextBlob sees; it judges everything, whatever the language.
    """
    polarity = plain_polarity(text)
    if abs(polarity) <= YARDSTICK:
        return Mood.NEUTRAL
    return Mood.POSITIVE if polarity > 0 else Mood.NEGATIVE


def accuracy_report(rows: Iterable[GoldenRow]) -> Report:
    """
    Read every row and count the agreements, for each half and each language group in it.
    """
    marked = [_mark(row) for row in rows]
    groups: dict[str, list[_Marked]] = {}
    for one in marked:
        for name in _groups_of(one.row):
            groups.setdefault(name, []).append(one)
    accuracies = {name: _accuracy(groups[name]) for name in sorted(groups)}
    return Report(groups=accuracies, misses=tuple(miss for one in marked for miss in _misses(one)))


def _groups_of(row: GoldenRow) -> tuple[str, str, str]:
    return "all", row.half, f"{row.half} {row.language if row.language in READ_LANGUAGES else 'others'}"


def _mark(row: GoldenRow) -> _Marked:
    reading = read(row.text)
    return _Marked(
        row=row,
        language=reading.language.code,
        mood=reading.sentiment.mood,
        intent=reading.intent.intent,
        plain=plain_mood(row.text),
    )


def _accuracy(marked: Sequence[_Marked]) -> Accuracy:
    wishes = [one.intent is one.row.intent for one in marked if one.row.language in READ_LANGUAGES]
    return Accuracy(
        texts=len(marked),
        language=_share([one.language == one.row.language for one in marked]),
        mood=_share([one.mood is one.row.mood for one in marked]),
        mood_reversed=_share([{one.mood, one.row.mood} == OPPOSITES for one in marked]),
        intent=_share(wishes) if wishes else None,
        plain_textblob_mood=_share([one.plain is one.row.mood for one in marked]),
        plain_textblob_mood_reversed=_share([{one.plain, one.row.mood} == OPPOSITES for one in marked]),
    )


def _share(agreements: Sequence[bool]) -> float:
    return round(sum(agreements) / len(agreements), 3)


def _misses(one: _Marked) -> list[Miss]:
    row = one.row
    if row.half in MEASURING:
        return []
    asked = [("language", row.language or "-", one.language or "-"), ("mood", row.mood, one.mood)]
    if row.language in READ_LANGUAGES:
        asked.append(("intent", row.intent, one.intent))
    return [
        Miss(half=row.half, of=of, expected=str(expected), got=str(got), text=row.text)
        for of, expected, got in asked
        if expected != got
    ]
