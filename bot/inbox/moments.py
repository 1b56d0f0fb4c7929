"""
Moments as people say them: `tomorrow 9`, `in 2 hours`, `next monday 14:30`, `明天上午9点`, `下周一`. Pure.

What is written here is read by a small grammar of our own, in English and Chinese, for the libraries read
`tomorrow 9` as this hour tomorrow and most of the Chinese not at all. What it does not know is left to dateparser.
Whoever asks shows what was understood, so a wrong reading is seen before it does harm.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dateparser

ZONE_COOKIE = "hubbub_zone"
"""The browser's time zone; time.js sets it. WARNING: change both."""

LONGEST_WORDS = 60
MORNING = time(9)
"""When a day alone begins."""

AFTERNOON_HOURS = range(1, 7)
"""`tomorrow 5` is five in the afternoon: nobody wants to be reminded at five in the morning."""

LANGUAGES = ["en", "zh", "de", "fr", "es"]
UNITS = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "分", "分钟"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "小时", "个小时", "钟头", "个钟头"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days", "天", "日"), timedelta(days=1)),
    **dict.fromkeys(("w", "week", "weeks", "周", "个星期", "星期"), timedelta(weeks=1)),
}
NUMBERS = {
    **{"a": 1.0, "an": 1.0, "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0},
    **{"half an": 0.5, "半": 0.5, "半个": 0.5, "两": 2.0, "一": 1.0, "二": 2.0, "三": 3.0, "四": 4.0, "五": 5.0},
    **{"六": 6.0, "七": 7.0, "八": 8.0, "九": 9.0, "十": 10.0, "十一": 11.0, "十二": 12.0},
}
DAYS = {
    **{"today": 0, "tonight": 0, "tomorrow": 1, "tmr": 1, "the day after tomorrow": 2, "day after tomorrow": 2},
    **{"今天": 0, "今晚": 0, "今日": 0, "明天": 1, "明日": 1, "明早": 1, "明晚": 1, "后天": 2, "大后天": 3},
}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
PARTS = {
    **dict.fromkeys(("morning", "上午", "早上", "明早"), time(9)),
    **dict.fromkeys(("noon", "中午"), time(12)),
    **dict.fromkeys(("afternoon", "下午"), time(14)),
    **dict.fromkeys(("evening", "傍晚"), time(18)),
    **dict.fromkeys(("tonight", "night", "晚上", "今晚", "明晚"), time(20)),
}
LATE_PARTS = ("afternoon", "evening", "night", "tonight", "下午", "傍晚", "晚上", "今晚", "明晚")
ASK = 'try "tomorrow 9", "in 2 hours", "friday", "next monday 14:30" or "2026-12-01 10:00"'


class NotUnderstood(ValueError):
    """
    The words are no moment in the future; the message says why and what to write.
    """


def read_moment(words: str, *, now: datetime, zone: ZoneInfo) -> datetime:
    """
    Read a moment in the future as somebody in `zone` means it.

    Raises:
        NotUnderstood: the words are no moment, or one that has passed.
    """
    text = " ".join(unicodedata.normalize("NFKC", words).casefold().split())
    if not text or len(text) > LONGEST_WORDS:
        raise NotUnderstood(f"say when, in at most {LONGEST_WORDS} characters; {ASK}")
    local = now.astimezone(zone)
    try:
        at = _duration(text, now) or _moment(text, local) or _by_library(text, local)
        in_utc = at.astimezone(UTC) if at else None
    except (ValueError, OverflowError):  # the 31st of June, the year 0
        in_utc = None
    if in_utc is None:
        raise NotUnderstood(f"“{words.strip()[:LONGEST_WORDS]}” is no moment I understand; {ASK}")
    if in_utc <= now:
        raise NotUnderstood(f"{in_utc.astimezone(zone):%Y-%m-%d %H:%M} has passed; choose a moment in the future")
    return in_utc


def zone_named(name: str) -> ZoneInfo:
    """
    Give a time zone by its name (`Europe/Berlin`); UTC for one that does not exist.
    """
    try:
        return ZoneInfo(name) if re.fullmatch(r"[A-Za-z0-9_+/-]{1,60}", name) else ZoneInfo("UTC")
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a folder is an OSError
        return ZoneInfo("UTC")


def _either(words: object) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))  # type: ignore[call-overload]


_DURATION = re.compile(
    rf"(?:in |after )?(?P<n>\d{{1,4}}(?:\.\d)?|{_either(NUMBERS)}) ?(?P<unit>{_either(UNITS)})"
    rf"(?P<half> and a half|半)? ?(?:from now|later|后|之后|以后)?"
)


def _duration(text: str, now: datetime) -> datetime | None:
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    number = NUMBERS[found["n"]] if found["n"] in NUMBERS else float(found["n"])
    return now + UNITS[found["unit"]] * (number + (0.5 if found["half"] else 0.0))


_DAY = re.compile(rf"(?:this )?({_either(DAYS)})")
_WEEKDAY = re.compile(
    r"(?P<next>next |on |this |coming )?(?P<en>mon|tue|wed|thu|fri|sat|sun)(?:day|s|sday|nesday|rs|rsday|urday)?\b"
    r"|(?P<weeks>下*|这|本)(?:个)?(?:周|星期|礼拜)(?P<zh>[一二三四五六日天末])"
)
_WEEK = re.compile(r"next week|next month|下个?(?:周|星期|礼拜|月)(?![一二三四五六日天末])")
_ISO = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})[日号]?")
_MONTH_DAY = re.compile(r"(\d{1,2})月(\d{1,2})[日号]?")
_NAMED = re.compile(
    rf"(\d{{1,2}})(?:st|nd|rd|th)?\.? ({_either(MONTHS)})[a-z]*\b|({_either(MONTHS)})[a-z]* (\d{{1,2}})\b"
)
_CLOCK = re.compile(
    r"(?P<h>\d{1,2})(?:(?::|点|时|h)(?P<m>\d{2})?(?P<half>半)?(?:分)?| ?(?P<ap>am|pm|a\.m\.|p\.m\.)|(?= |$))"
    r"(?: ?(?P<ap2>am|pm|a\.m\.|p\.m\.))?(?: ?(?:o'clock|uhr|整))?"
)
_FILLER = re.compile(r"\b(?:at|on|the|um|in|this)\b|的|[,，@]")


def _moment(text: str, local: datetime) -> datetime | None:
    day, rest = _take_day(text, local.date())
    part, rest = _take_part(rest)
    clock, rest = _take_clock(rest, late=part in LATE_PARTS or any(w in text for w in LATE_PARTS))
    if _FILLER.sub(" ", rest).strip() or (day is None and clock is None and not part):
        return None
    wanted = clock or (PARTS[part] if part else _of_day_word(text)) or MORNING
    at = datetime.combine(day or local.date(), wanted, local.tzinfo)
    # A time alone is its next one; a day with a time that has passed is an error worth telling.
    return at + timedelta(days=1) if day is None and at <= local else at


def _of_day_word(text: str) -> time | None:
    return next((PARTS[word] for word in ("tonight", "今晚", "明晚", "明早") if word in text), None)


def _take_day(text: str, today: date) -> tuple[date | None, str]:
    if found := _DAY.search(text):
        return today + timedelta(days=DAYS[found[1]]), _cut(text, found)
    if found := _WEEK.search(text):
        return _start_of_next(today, month="month" in found[0] or "月" in found[0]), _cut(text, found)
    if found := _WEEKDAY.search(text):
        return _weekday(found, today), _cut(text, found)
    if found := _ISO.search(text):
        return date(int(found[1]), int(found[2]), int(found[3])), _cut(text, found)
    if found := _MONTH_DAY.search(text):
        return _next_date(today, int(found[1]), int(found[2])), _cut(text, found)
    if found := _NAMED.search(text):
        month = MONTHS.index(found[2] or found[3]) + 1
        return _next_date(today, month, int(found[1] or found[4])), _cut(text, found)
    return None, text


def _cut(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}"


def _start_of_next(today: date, *, month: bool) -> date:
    if month:
        return (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return today + timedelta(days=7 - today.weekday())


def _next_date(today: date, month: int, day: int) -> date:
    this_year = date(today.year, month, day)
    return this_year if this_year >= today else date(today.year + 1, month, day)


def _weekday(found: re.Match[str], today: date) -> date:
    """
    Find the day of a week that is meant: `friday` is the coming one, `next friday` and `下周五` that of next week.
    """
    monday = today - timedelta(days=today.weekday())
    if found["en"]:
        index = next(place for place, name in enumerate(WEEKDAYS) if name.startswith(found["en"]))
        weeks = 1 if (found["next"] or "").startswith("next") else 0
    else:
        index = {"末": 5, "天": 6, "日": 6}.get(found["zh"], "一二三四五六".find(found["zh"]))
        weeks = found["weeks"].count("下")
    meant = monday + timedelta(days=index, weeks=weeks)
    return meant + timedelta(weeks=1) if meant <= today else meant


def _take_part(text: str) -> tuple[str, str]:
    found = re.search(_either(PARTS), text)
    return (found[0], _cut(text, found)) if found else ("", text)


def _take_clock(text: str, *, late: bool) -> tuple[time | None, str]:
    found = _CLOCK.search(text)
    if found is None:
        return None, text
    hour, minute = int(found["h"]), int(found["m"] or (30 if found["half"] else 0))
    said = (found["ap"] or found["ap2"] or "").replace(".", "")
    bare = not said and found["m"] is None and not found["half"]
    if said == "pm" or (not said and late) or (bare and hour in AFTERNOON_HOURS and not _early(text)):
        hour += 12 if hour < 12 else 0
    elif said == "am" and hour == 12:
        hour = 0
    return time(hour, minute), _cut(text, found)


def _early(text: str) -> bool:
    return "凌晨" in text


def _by_library(text: str, local: datetime) -> datetime | None:
    naive = local.replace(tzinfo=None)
    found: datetime | None = dateparser.parse(
        text, languages=LANGUAGES, settings={"PREFER_DATES_FROM": "future", "RELATIVE_BASE": naive}
    )
    if found is None:
        return None
    # A day without a time is read as midnight, or as this very time of day.
    if found.tzinfo is None and found.time() in (time(0), naive.time()) and found.date() != naive.date():
        found = datetime.combine(found.date(), MORNING)
    return found if found.tzinfo else found.replace(tzinfo=local.tzinfo)
