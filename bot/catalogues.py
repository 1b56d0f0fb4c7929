"""
Bring the catalogues up to date with the words in code, templates and scripts.

`python -m bot.catalogues` adds new messages to every `locales/*/LC_MESSAGES/hubbub.po`, drops what is no longer
said, and counts what waits for a translator. `python -m bot.catalogues --new de` begins a language.
References name files without lines, so that a catalogue changes only where words do.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import write_po

from bot.accounts.options import describe
from bot.app import registry
from bot.web.sentences import Finder, Found, error_names
from bot.web.translations import DOMAIN, LANGUAGES, LOCALES, SOURCE, po_path, read_catalogue

ROOT = Path(__file__).parents[1]
FOLDERS = ("bot", "connectors", "responses")
NOT_SHOWN = re.compile(
    r".*/(api|commands)\.py|bot/(settings|bench|demo|cli|\w+_reference)\b.*|connectors/playground/.*|"
    r"bot/web/(sentences|operations|openapi|problems)\.py"
)
"""What only operators and programs read; it stays English, like logs."""

JINJA = "jinja2.ext:babel_extract"
JINJA_OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true", "silent": "false"}
KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
HEADER = "# {name} texts of Hubbub. How to translate: docs/reference/translations.md"
VOLATILE = re.compile(r'"(Report-Msgid|POT-Creation|PO-Revision|Last-Translator|Language-Team|Generated-By)')
"""Lines of the header that would change without a word changing."""


def collect() -> Catalog:
    """
    Gather every message, each with the files it stands in.
    """
    catalog = Catalog(domain=DOMAIN)
    for path, found in _everything():
        catalog.add(found.text, locations=[(path, 0)], context=found.context)
    return catalog


def _everything() -> Iterator[tuple[str, Found]]:
    sources = {_named(path): path.read_text("utf-8") for folder in FOLDERS for path in _files(folder, "*.py")}
    errors = error_names(sources.values())
    for name, source in sources.items():
        if not NOT_SHOWN.fullmatch(name):
            finder = Finder(errors=errors, decides=name.endswith(("/rules.py", "core/units.py")))
            yield from ((name, found) for found in finder.find(source))
    for path in _files("bot", "*.html"):
        yield from ((_named(path), found) for found in _read(JINJA, path, JINJA_OPTIONS))
    for path in _files("bot/web/static", "*.js"):
        if "vendor" not in path.parts:
            yield from ((_named(path), found) for found in _read("javascript", path, {}))
    yield from _channels()


def _channels() -> Iterator[tuple[str, Found]]:
    """
    Give what forms say about the options of each channel; it is read from types, not from source text.
    """
    for channel in registry():
        where = f"connectors/{channel.name}"
        for text in (channel.title, channel.name, channel.name.capitalize()):
            yield where, Found(text=text)
        for option in describe(channel.options):
            yield from ((where, Found(text=text)) for text in (option.label, option.hint) if text)


def _read(method: str, path: Path, options: dict[str, str]) -> Iterator[Found]:
    file: IO[bytes] = BytesIO(path.read_bytes())
    for _line, text, _comments, context in extract(method, file, KEYWORDS, options=options):
        if text:
            yield Found(text=(text[0], text[1]) if isinstance(text, tuple) else text, context=context)


def _files(folder: str, pattern: str) -> list[Path]:
    return sorted((ROOT / folder).rglob(pattern))


def _named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def write(catalog: Catalog, language: str) -> None:
    """
    Write a catalogue so that the same words give the same bytes.
    """
    catalog.header_comment = HEADER.format(name=catalog.locale.english_name if catalog.locale else language)
    packed = BytesIO()
    write_po(packed, catalog, width=110, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    lines = [line for line in packed.getvalue().decode().splitlines() if not VOLATILE.match(line)]
    path = po_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(line for line in lines if line != "#, fuzzy").rstrip() + "\n", "utf-8")


def untranslated(catalog: Catalog) -> list[Message]:
    """
    List what waits for a translator.
    """
    return [one for one in catalog if one.id and (not one.string or one.fuzzy or not all(_forms(one.string)))]


def _forms(string: str | Iterable[str]) -> list[str]:
    return [string] if isinstance(string, str) else list(string)


def main() -> None:
    parser = argparse.ArgumentParser(description="Bring the catalogues up to date with the words in the sources.")
    parser.add_argument("--new", metavar="LANGUAGE", help="begin the catalogue of a language, such as de")
    begun = parser.parse_args().new
    template = collect()
    if begun:
        write(Catalog(locale=begun, domain=DOMAIN), begun)
    for language in sorted({*(path.name for path in LOCALES.iterdir() if path.is_dir()), *LANGUAGES} - {SOURCE}):
        catalog = read_catalogue(language)
        catalog.update(template, no_fuzzy_matching=True)
        write(catalog, language)
        print(f"{language}: {len(catalog)} messages, {len(untranslated(catalog))} to translate")


if __name__ == "__main__":
    main()
