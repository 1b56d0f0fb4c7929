"""
The catalogues hold what the sources say: nothing missing, nothing empty or fuzzy, every value in its place.
"""

from __future__ import annotations

import re
from functools import cache

import pytest
from babel.messages.catalog import Catalog, Message

from bot.catalogues import collect, untranslated
from bot.web.sentences import Finder, Found, error_names
from bot.web.translations import LANGUAGES, LOCALES, SOURCE, read_catalogue

TRANSLATIONS = sorted(set(LANGUAGES) - {SOURCE})
VALUES = re.compile(r"%\(\w+\)s|%%|\{\w*(?::[^}]*)?\}")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:!?]|[\u4e00-\u9fff]\.(?!\w)")


@cache
def words() -> Catalog:
    return collect()


def spelled(message: Message) -> str:
    return " / ".join(forms(message.id))


def forms(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [text or ""] if isinstance(text, str | None) else list(text)


def test_every_language_has_a_catalogue_and_every_catalogue_can_be_chosen() -> None:
    assert [path.name for path in sorted(LOCALES.iterdir())] == TRANSLATIONS


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_every_message_is_translated(language: str) -> None:
    catalogue = read_catalogue(language)
    missing = {
        spelled(message): message.locations[0][0]
        for message in words()
        if message.id and not _is_done(catalogue.get(message.id, message.context))
    }
    assert missing == {}, "write them into the catalogue after: python -m bot.catalogues"


def _is_done(found: Message | None) -> bool:
    return found is not None and not found.fuzzy and all(forms(found.string))


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_translation_has_the_values_of_its_message(language: str) -> None:
    different = [
        spelled(message)
        for message in read_catalogue(language)
        if message.id
        for string in forms(message.string)
        if string and set(VALUES.findall(string)) != set(VALUES.findall(forms(message.id)[-1]))
    ]
    assert different == []


def test_no_translation_can_break_out_of_an_attribute() -> None:
    broken = [
        string
        for language in TRANSLATIONS
        for message in read_catalogue(language)
        for string in forms(message.string)
        if message.id and set(string) & set('<>"') - set(spelled(message))
    ]
    assert broken == []


def test_chinese_sentences_have_chinese_punctuation() -> None:
    mixed = [
        string
        for message in read_catalogue("zh")
        for string in forms(message.string)
        if message.id and HALF_WIDTH.search(VALUES.sub("", string))
    ]
    assert mixed == []


def test_what_waits_for_a_translator_is_told() -> None:
    catalogue = Catalog(locale="zh")
    catalogue.add("Save", "保存")
    catalogue.add("Queue")
    catalogue.add("Open", "打开", flags=["fuzzy"])
    catalogue.add(("%(num)s day", "%(num)s days"), ("",))
    assert [spelled(one) for one in untranslated(catalogue)] == ["Queue", "Open", "%(num)s day / %(num)s days"]


SOURCE_TEXT = '''
"""
Nothing of this is read by people.
"""

class Late(Conflict):
    """
    Somebody was
    faster.
    """

class State(StrEnum):
    OPEN = "open"
    READ = "conversations.read"

class Priority(IntEnum):
    URGENT = 3

def check(name, names):
    """Not this either."""
    log.info("nor this", action="nor.this")
    if name in names:
        raise Late(f"{name} has {len(names)} of {len(names)}; {names[0]} and {names[1]}")
    raise Invalid(fields={"name": "must not be empty" if name else _("choose one"), "text": problem(name)})

def name_problem(name):
    return "at least one letter" if not name else None

NAV = NavEntry(label="Views", url="/views")
LABELS = {1: mark("All waiting"), 2: ngettext("%(num)s day", "%(num)s days", 2), 3: pgettext("verb", "Open")}
'''


def test_words_are_found_where_no_mark_can_stand() -> None:
    errors = error_names(["class Conflict(HubbubError): ...", "class Invalid(HubbubError): ...", SOURCE_TEXT])
    assert errors == {"HubbubError", "Conflict", "Invalid", "Late"}
    found = Finder(errors=errors).find(SOURCE_TEXT)
    assert {one.text for one in found if one.context is None} == {
        "Somebody was faster.",
        "open",
        "urgent",
        "{name} has {len} of {len}; {value3} and {value4}",
        "must not be empty",
        "choose one",
        "at least one letter",
        "Views",
        "All waiting",
        ("%(num)s day", "%(num)s days"),
    }
    assert Found(text="Open", context="verb") in found


def test_in_a_file_of_decisions_every_sentence_counts() -> None:
    text = 'WHY = "it is too late"\nKEY = "late"\nSHAPE = re.compile("not this one")\nSAID = f"after {n} days"\n'
    found = Finder(errors=frozenset(), decides=True).find(text)
    assert [one.text for one in found] == ["it is too late", "after {n} days"]
