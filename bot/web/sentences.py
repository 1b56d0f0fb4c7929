"""
Find the words that people read in Python sources, also where no `_` can stand: decisions know no pages.

Pure: source text in, messages out. What is found, and why, is listed in docs/reference/translations.md:

- `_`, `gettext`, `ngettext`, `pgettext` and `mark`, as everywhere;
- the title (docstring) and the details of our errors: `Conflict("somebody was faster")`, `Invalid(fields={...})`;
- every sentence in a rules.py, and in functions that say what is wrong (`..._problem`, `problems`, `why_...`);
- the values of enumerations: states, kinds, intents;
- labels of the navigation, texts of banners.

A sentence with values in it, `f"at least {least} characters"`, becomes a message with holes: `at least {least}
characters`; `bot.web.translations.said` knows it again by its shape.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MARKS = {"_": 1, "gettext": 1, "mark": 1, "ngettext": 2, "pgettext": 2}
SHOWN_KEYWORDS = {"NavEntry": ("label",), "Banner": ("text", "action")}
ENUMS = ("StrEnum", "IntEnum")
ROOT_ERROR = "HubbubError"
SAYS_WHAT_IS_WRONG = re.compile(r"_?(why_\w+|problems?|\w+_problems?|\w+_refusal)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """
    One message.

    Args:
        text: one form, or both.
        context: tells apart what is the same in English.
    """

    text: str | tuple[str, str]
    context: str | None = None


@dataclass(frozen=True, slots=True)
class Finder:
    """
    Looks through one file.

    Args:
        errors: names of the classes of our errors.
        decides: every sentence of this file is for people (a rules.py).
    """

    errors: frozenset[str]
    decides: bool = False
    _passed: set[int] = field(default_factory=set)

    def find(self, source: str) -> list[Found]:
        tree = ast.parse(source)
        self._pass_over_docstrings(tree)
        found = [*self._marked(tree), *self._titles(tree), *self._details(tree), *self._enumerated(tree)]
        for part in [tree] if self.decides else _functions_that_say_what_is_wrong(tree):
            found += self._sentences(part)
        return list(dict.fromkeys(found))

    def _pass_over_docstrings(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            for line in getattr(node, "body", None) or [] if not isinstance(node, ast.Lambda | ast.IfExp) else []:
                if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
                    self._passed.add(id(line.value))

    def _marked(self, tree: ast.Module) -> Iterator[Found]:
        for call in _calls(tree):
            name = _name(call.func)
            texts = [
                one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
            if name not in MARKS or len(texts) < MARKS[name]:
                continue
            self._passed.update(id(one) for one in call.args)
            match name:
                case "ngettext":
                    yield Found(text=(texts[0], texts[1]))
                case "pgettext":
                    yield Found(text=texts[1], context=texts[0])
                case _:
                    yield Found(text=texts[0])

    def _titles(self, tree: ast.Module) -> Iterator[Found]:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in self.errors and (said := ast.get_docstring(node)):
                yield Found(text=" ".join(said.partition("\n\n")[0].split()))

    def _details(self, tree: ast.Module) -> Iterator[Found]:
        for call in _calls(tree):
            name = _name(call.func)
            if name in self.errors:
                shown = [*call.args, *(one.value for one in call.keywords)]
            else:
                wanted = SHOWN_KEYWORDS.get(name, ())
                shown = [one.value for one in call.keywords if one.arg in wanted]
            for part in shown:
                # The keys of `fields` are names, not words.
                values = part.values if isinstance(part, ast.Dict) else [part]
                for value in values:
                    yield from self._texts(value)

    def _enumerated(self, tree: ast.Module) -> Iterator[Found]:
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef) or not any(_name(base) in ENUMS for base in node.bases):
                continue
            for line in node.body:
                if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant):
                    value = line.value.value
                    text = value if isinstance(value, str) else _name(line.targets[0]).lower()
                    if text and not set(text) & set(
                        "._"
                    ):  # such a one is a permission or an event, read by programs
                        yield Found(text=text)

    def _sentences(self, part: ast.AST) -> Iterator[Found]:
        return (found for found in self._texts(part) if " " in str(found.text).strip())

    def _texts(self, part: ast.AST) -> Iterator[Found]:
        """
        Give the texts below a node; what is marked, or is put together with `join`, is no text of its own.
        """
        if isinstance(part, ast.JoinedStr):
            if has_words(text := _with_holes(part)):
                yield Found(text=text)
        elif isinstance(part, ast.Constant):
            if isinstance(part.value, str) and id(part) not in self._passed and has_words(part.value):
                yield Found(text=part.value)
        elif not (isinstance(part, ast.Call) and _name(part.func) in {*MARKS, "join", "compile"}):
            for child in ast.iter_child_nodes(part):
                yield from self._texts(child)


def error_names(sources: Iterable[str]) -> frozenset[str]:
    """
    Name the classes that are `HubbubError` or come from it, over all files.
    """
    bases = [
        (node.name, {_name(base) for base in node.bases})
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
    ]
    known = {ROOT_ERROR}
    while more := {name for name, above in bases if above & known} - known:
        known |= more
    return frozenset(known)


def has_words(text: str) -> bool:
    """
    Say whether somebody could read this: letters, and not only holes.
    """
    plain = text.split("{")[0] + "".join(part.partition("}")[2] for part in text.split("{")[1:])
    return any(letter.isalpha() for letter in plain)


def _with_holes(text: ast.JoinedStr) -> str:
    names: dict[str, str] = {}  # by expression: what is said twice is one hole
    parts = []
    for part in text.values:
        if isinstance(part, ast.FormattedValue):
            inner = part.value.func if isinstance(part.value, ast.Call) else part.value
            name = _name(inner).strip("_") or "value"
            said = ast.dump(part.value)
            if said not in names:
                names[said] = f"{name}{len(names) + 1}" if name == "value" or name in names.values() else name
            parts.append(f"{{{names[said]}}}")
        elif isinstance(part, ast.Constant):
            parts.append(str(part.value))
    return "".join(parts)


def _functions_that_say_what_is_wrong(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and SAYS_WHAT_IS_WRONG.fullmatch(node.name):
            yield node


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
