"""
Business hours as a person writes them, and what is wrong with that, in words. Pure but for the lists of libraries.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from bot.core.errors import Invalid
from bot.core.outward import OutwardRules, url_problem
from bot.hours.public import countries, subdivisions
from bot.hours.rules import Spans
from bot.hours.writing import read_spans

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FEED_MEANINGS = ("closed", "open")
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """
    Business hours as a person writes them.

    Args:
        week: the hours of Monday to Sunday as text, such as `"09:00-12:30, 13:30-18:00"`.
        feed_means: what an event of the feed says: that we are closed, or open.
    """

    name: str
    zone: str
    week: Sequence[str]
    country: str = ""
    subdivision: str = ""
    make_up: bool = True
    feed_url: str = ""
    feed_means: str = "closed"


def check_wish(wish: Wish, outward: OutwardRules) -> tuple[Spans, ...]:
    """
    Give the week of a wish that can be kept.

    Raises:
        Invalid: with the fields name, zone, monday ... sunday, country, subdivision, feed_url, feed_means.
    """
    feed_url = feed_address(wish.feed_url)
    problems = {
        "name": _name_problem(wish.name.strip()),
        "zone": zone_problem(wish.zone.strip()),
        "country": _country_problem(wish.country),
        "subdivision": _subdivision_problem(wish.country, wish.subdivision.strip()),
        "feed_url": url_problem(feed_url, outward) if feed_url else None,
        "feed_means": None if wish.feed_means in FEED_MEANINGS else f"one of {', '.join(FEED_MEANINGS)}",
    }
    week: list[Spans] = []
    for weekday, text in zip(WEEKDAYS, wish.week, strict=True):
        try:
            week.append(read_spans(text))
        except ValueError as error:
            problems[weekday] = str(error)
    if not any(week) and not any(problems.get(weekday) for weekday in WEEKDAYS):
        problems["monday"] = "no hours at all: a policy with no hours could never be kept; open some weekday"
    refuse(problems)
    return tuple(week)


def rest_of(wish: Wish) -> dict[str, Any]:
    """
    Give what is stored of a wish beside name, zone and week.
    """
    return {
        "country": wish.country,
        "subdivision": wish.subdivision.strip(),
        "make_up": wish.make_up,
        "feed_url": feed_address(wish.feed_url),
        "feed_means": wish.feed_means,
    }


def feed_address(typed: str) -> str:
    """
    Bring the address of a feed into the form in which it is fetched: `webcal:` is how calendars write `https:`.
    """
    typed = typed.strip()
    scheme, colon, rest = typed.partition(":")
    return f"https:{rest}" if colon and scheme.lower() in ("webcal", "webcals") else typed


def _name_problem(name: str) -> str | None:
    if not name:
        return "must not be empty"
    return f"at most {LONGEST_NAME} characters" if len(name) > LONGEST_NAME else None


def zone_problem(zone: str) -> str | None:
    """
    Say what is wrong with the name of a time zone, or nothing.
    """
    if zone in zones():
        return None
    near = difflib.get_close_matches(zone.replace(" ", "_").title(), zones(), n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; write one such as Europe/Berlin or Asia/Shanghai"
    return f"there is no such time zone{hint}"


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """
    Give the names of all time zones.
    """
    return tuple(sorted(available_timezones()))


def _country_problem(country: str) -> str | None:
    if not country or country in countries():
        return None
    return "no public holidays are known for this country; write two letters such as DE or CN, or nothing"


def _subdivision_problem(country: str, subdivision: str) -> str | None:
    if not subdivision or subdivision in (known := subdivisions(country)):
        return None
    if not country:
        return "choose the country first"
    return (
        f"one of {', '.join(known)}"
        if known
        else "leave it empty: this country has no parts with holidays of their own"
    )


def refuse(problems: dict[str, str | None]) -> None:
    """
    Raise what was found wrong, if anything was.
    """
    if found := {name: text for name, text in problems.items() if text}:
        raise Invalid(fields=found)
