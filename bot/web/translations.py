"""
The words people read, in the language of the page that is being served.

English is the source: `_("Save")` is the text and the key. A catalogue per language lies in
`locales/<language>/LC_MESSAGES/hubbub.po`; it is read once, at the start, and a message that it does not hold is
shown in English. Code that serves no page (jobs, commands, the API) speaks English.

    _("Handed over to %(name)s.", name=agent.name)      a text with values; % stands for itself only as %%
    ngettext("%(num)s person", "%(num)s people", n)     plural; `num` is filled in by itself
    mark("Everybody can read this.")                    a constant: translated by `word` where it is shown
    word(state)                                         a constant that was marked, or that a rules.py defines
    said(error.detail)                                  a sentence of an error, with values in it or without

What is found by `python -m bot.catalogues`, and how, stands in docs/reference/translations.md.
"""

from __future__ import annotations

import gettext as plain
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.dates import format_skeleton
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LOCALES = Path(__file__).parent / "locales"
DOMAIN = "hubbub"
SOURCE = "en"
LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "中文"}
"""What can be chosen, each by its own name."""

LONGEST_HEADER = 500
HOLE = re.compile(r"\{(\w+)\}")
FEWEST_LETTERS = 6
"""A sentence with fewer letters of its own than this would fit anything."""

_SPOKEN = {"en": ("en", "en_GB"), "zh": ("zh-CN", "zh_Hans_CN")}
_language: ContextVar[str] = ContextVar("language", default=SOURCE)


@dataclass(frozen=True, slots=True)
class Sentence:
    """
    A message with holes, `{name} has it`, and the translation that is filled from what stood in them.
    """

    shape: re.Pattern[str]
    translation: str

    def fill(self, text: str) -> str | None:
        found = self.shape.fullmatch(text)
        return HOLE.sub(lambda hole: word(found[hole[1]]), self.translation) if found else None


@dataclass(frozen=True, slots=True)
class Words:
    """
    One language, ready to be used.

    Args:
        scripts: what pages hand to their scripts, English to translation.
    """

    translations: plain.NullTranslations
    sentences: tuple[Sentence, ...] = ()
    scripts: Mapping[str, str | list[str]] | None = None


def po_path(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_catalogue(language: str) -> Catalog:
    """
    Read the texts of a language as translators write them.
    """
    with po_path(language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


@cache
def words_of(language: str) -> Words:
    """
    Give the words of a language; the source needs no catalogue.
    """
    if language == SOURCE:
        return Words(plain.NullTranslations())
    catalogue = read_catalogue(language)
    packed = BytesIO()
    write_mo(packed, catalogue)
    packed.seek(0)
    # The longest first: it says more precisely what was meant.
    with_holes = sorted(_sentences(catalogue), key=lambda one: -len(one.shape.pattern))
    return Words(plain.GNUTranslations(packed), tuple(with_holes), dict(_scripts(catalogue)))


def _sentences(catalogue: Catalog) -> Iterator[Sentence]:
    for message in catalogue:
        text = message.id
        if isinstance(text, str) and message.string and not message.fuzzy and HOLE.search(text):
            letters = sum(letter.isalpha() for letter in HOLE.sub("", text))
            if letters >= FEWEST_LETTERS:
                yield Sentence(shape_of(text), str(message.string))


def shape_of(text: str) -> re.Pattern[str]:
    """
    Make the pattern that a sentence with values in it has.
    """
    seen: set[str] = set()
    parts = []
    for place, part in enumerate(HOLE.split(text)):
        if place % 2 == 0:
            parts.append(re.escape(part))
        else:
            parts.append(f"(?P={part})" if part in seen else f"(?P<{part}>.*?)")
            seen.add(part)
    return re.compile("".join(parts), re.DOTALL)


def _scripts(catalogue: Catalog) -> Iterator[tuple[str, str | list[str]]]:
    for message in catalogue:
        if message.id and message.string and any(path.endswith(".js") for path, _ in message.locations):
            if isinstance(message.string, str):
                yield str(message.id), message.string
            else:
                yield message.id[0], list(message.string)


# The language of the page


def language() -> str:
    """
    Give the language of the page that is being served.
    """
    return _language.get()


def speak(language: str) -> None:
    """
    Set the language of the page that is being served; it is forgotten with the request.
    """
    _language.set(language if language in LANGUAGES else SOURCE)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """
    Speak a language until the block ends.
    """
    before = _language.set(language if language in LANGUAGES else SOURCE)
    try:
        yield
    finally:
        _language.reset(before)


def negotiate(accept_language: str) -> str:
    """
    Choose by what a browser asks for (Accept-Language, RFC 9110, section 12.5.4); English for want of any other.

    >>> negotiate("zh-TW,zh;q=0.9,en;q=0.8")
    'zh'
    """
    wished = []
    for place, part in enumerate(accept_language[:LONGEST_HEADER].split(",")):
        tag, _, parameter = part.strip().partition(";")
        weight = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameter)
        wish = float(weight[1]) if weight else float(not parameter)
        wished.append((-wish, place, tag.strip().lower().partition("-")[0]))
    return next((tag for wish, _, tag in sorted(wished) if wish and tag in LANGUAGES), SOURCE)


def html_language() -> str:
    """
    Give what `<html lang>` says, so that fonts and screen readers choose right.
    """
    return _SPOKEN[language()][0]


# Texts


def gettext(text: str, /, **values: object) -> str:
    """
    Translate a text and fill in its values.
    """
    return look_up(text) % values


def ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    """
    Translate a text that depends on a number; `%(num)s` is filled in by itself.
    """
    return look_up_plural(one, many, num) % {"num": num, **values}


def pgettext(context: str, text: str, /, **values: object) -> str:
    """
    Translate a text that means different things in different places.
    """
    return look_up_in(context, text) % values


# Jinja fills in the values itself, and escapes them: it is given these.


def look_up(text: str) -> str:
    return words_of(language()).translations.gettext(text)


def look_up_plural(one: str, many: str, num: int) -> str:
    return words_of(language()).translations.ngettext(one, many, num)


def look_up_in(context: str, text: str) -> str:
    return words_of(language()).translations.pgettext(context, text)


def mark(text: str) -> str:
    """
    Leave a constant as it is, but have it found for the catalogues; `word` translates it where it is shown.
    """
    return text


def word(text: str) -> str:
    """
    Translate a constant: the name of a state, a label. What is not in the catalogue stays as it is.
    """
    return look_up(text) if text else text


def said(text: str) -> str:
    """
    Translate a sentence of an error or a banner, whether or not values stand in it.

    Services say what is wrong in English, in one place and for the API too; only where it is shown is it known who
    reads it. A sentence that no translation fits stays as it is.
    """
    if not text or language() == SOURCE:
        return text
    spoken = words_of(language())
    if (whole := spoken.translations.gettext(text)) != text:
        return whole
    return next((done for one in spoken.sentences if (done := one.fill(text)) is not None), text)


def script_words() -> Mapping[str, str | list[str]]:
    """
    Give what the scripts of a page need; nothing for the source.
    """
    return words_of(language()).scripts or {}


# Times and numbers


def locale() -> Locale:
    """
    Give Babel's idea of the page's language.
    """
    return _locale(_SPOKEN[language()][1])


@cache
def _locale(name: str) -> Locale:
    return Locale.parse(name)


def number(value: float) -> str:
    """
    Write a number as people here do: `10,010`.
    """
    return format_decimal(value, locale=locale())


def date(at: datetime) -> str:
    """
    Write a day: `4 Sept 2026`, `2026年9月4日`.
    """
    return format_skeleton("yMMMd", at, locale=locale())


def language_name(tag: str) -> str:
    """
    Name a language for people: `de` is German.
    """
    return str(locale().languages.get(tag, tag))
