"""
Public holidays, and the working days that make up for them, by country: a plain face over the `holidays` library.

The library computes; nothing is fetched or stored, so the same version gives the same days on every node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import holidays
from babel import Locale

LANGUAGE = "en_US"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicDays:
    """
    What is free, with its name, and which free days (of a weekend) are worked instead.
    """

    free: Mapping[date, str]
    worked: frozenset[date]


NONE = PublicDays(free={}, worked=frozenset())


@lru_cache(maxsize=256)
def public_days(country: str, subdivision: str, year: int) -> PublicDays:
    """
    Give the public holidays of a country (or a part of it) in a year.
    """
    if not country:
        return NONE
    found = holidays.country_holidays(country, subdiv=subdivision or None, years=year, language=_language(country))
    # Observed days may belong to the years beside it.
    free = {day: str(name) for day, name in found.items() if day.year == year}
    return PublicDays(free=free, worked=frozenset(day for day in found.weekend_workdays if day.year == year))


@lru_cache(maxsize=256)
def _language(country: str) -> str | None:
    known = holidays.country_holidays(country).supported_languages
    return LANGUAGE if LANGUAGE in known else None


@lru_cache(maxsize=1)
def countries() -> Mapping[str, str]:
    """
    Give the countries that are known, by code, in the order of their English names.
    """
    names = Locale.parse("en").territories
    known = {code: names.get(code, code) for code in holidays.list_supported_countries() if len(code) == 2}
    return dict(sorted(known.items(), key=lambda pair: pair[1]))


def subdivisions(country: str) -> tuple[str, ...]:
    """
    Give the parts of a country that have holidays of their own.
    """
    return tuple(holidays.list_supported_countries().get(country, ()))
