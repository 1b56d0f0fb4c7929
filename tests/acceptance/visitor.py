"""
A browser without JavaScript: it keeps cookies, reads the forms of a page, fills them in and sends them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp

TEXT_KINDS = frozenset(
    {"text", "search", "email", "url", "tel", "password", "textarea", "number", "datetime-local"}
)
MOST_QUERIES = 4
"""Of one path; a list can be asked for in hundreds of ways."""
MOST_ALIKE = 60
"""Pages that differ by an id only; a queue has hundreds of conversations."""
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
PASSWORD = "a long enough passphrase"


@dataclass(kw_only=True)
class FormField:
    """
    A field and what it would send as it stands.
    """

    name: str
    kind: str
    value: str = ""


@dataclass(kw_only=True)
class Form:
    """
    A form of a page.
    """

    method: str
    action: str
    fields: dict[str, FormField] = field(default_factory=dict)

    @property
    def text_fields(self) -> list[str]:
        return [one.name for one in self.fields.values() if one.kind in TEXT_KINDS]

    def filled(self, **values: str) -> dict[str, str]:
        """
        Give what it sends with these values instead of what stands there.
        """
        return {name: one.value for name, one in self.fields.items()} | values


@dataclass(kw_only=True)
class Page:
    """
    What came back, and what is in it.
    """

    url: str
    status: int
    source: str
    links: set[str] = field(default_factory=set)
    forms: list[Form] = field(default_factory=list)
    text: str = ""
    alive: list[str] = field(default_factory=list)
    """What a browser would run or load although nobody of us wrote it."""

    def form(self, action: str) -> Form:
        return next(form for form in self.forms if urlsplit(form.action).path == action)


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self._form: Form | None = None
        self._field: FormField | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        self._look_for_life(tag, has)
        match tag:
            case "a" if "href" in has:
                self.page.links.add(urljoin(self.page.url, has["href"]))
            case "form":
                action = urljoin(self.page.url, has.get("action", ""))
                self._form = Form(method=has.get("method", "get").lower(), action=action)
                self.page.forms.append(self._form)
            case "input" | "textarea" | "select":
                self._add_field(tag, has)
            case "option" if self._field and ("selected" in has or not self._field.value):
                self._field.value = has.get("value", "")

    def _add_field(self, tag: str, has: Mapping[str, str]) -> None:
        kind = has.get("type", "text") if tag == "input" else tag
        if self._form is None or not has.get("name") or (kind in ("checkbox", "radio") and "checked" not in has):
            return
        self._field = FormField(name=has["name"], kind=kind, value=has.get("value", ""))
        self._form.fields[has["name"]] = self._field
        if tag == "input":
            self._field = None

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag in ("textarea", "select"):
            self._field = None

    def handle_data(self, data: str) -> None:
        self.page.text += data
        if self._field and self._field.kind == "textarea":
            self._field.value += data

    def _look_for_life(self, tag: str, has: Mapping[str, str]) -> None:
        own = has.get("src", "").startswith("/static/")
        if (tag == "script" and not own) or (tag in ("img", "iframe", "object", "embed") and not own):
            self.page.alive.append(f"<{tag} {dict(has)}>")
        for name, value in has.items():
            if name.startswith("on") or value.strip().lower().startswith("javascript:") or name == "style":
                self.page.alive.append(f"{tag} {name}={value}")


def read_page(url: str, status: int, source: str) -> Page:
    """
    Read what is in a page.
    """
    page = Page(url=url, status=status, source=source)
    reader = _Reader(page)
    reader.feed(source)
    reader.close()
    return page


@dataclass(kw_only=True)
class Visitor:
    """
    Somebody at a browser.
    """

    base: str
    session: aiohttp.ClientSession

    async def get(self, url: str, **more: Any) -> Page:
        async with self.session.get(urljoin(self.base, url), **more) as answer:
            return read_page(str(answer.url), answer.status, await answer.text(errors="replace"))

    async def send(self, form: Form, **values: str) -> Page:
        """
        Send a form with some values changed; follows where it leads.
        """
        if form.method == "get":
            return await self.get(form.action, params=form.filled(**values))
        async with self.session.post(form.action, data=form.filled(**values)) as answer:
            return read_page(str(answer.url), answer.status, await answer.text(errors="replace"))

    async def sign_in(self, login: str, password: str = PASSWORD) -> Page:
        form = (await self.get("/sign-in")).form("/sign-in")
        return await self.send(form, login=login, password=password)

    async def crawl(self, start: str = "/queue", most: int = 400) -> list[Page]:
        """
        Read every page that links lead to, each path once; some lists of the same path with another query too.
        """
        seen: dict[str, Page] = {}
        visits: Counter[str] = Counter()
        waiting = [urljoin(self.base, start)]
        while waiting and len(seen) < most:
            url = waiting.pop(0).split("#")[0]
            if url in seen or not url.startswith(f"{self.base}/"):
                continue
            path = urlsplit(url).path
            kind = ID.sub("{id}", path)
            visits.update({path, kind})
            if (visits[path] > MOST_QUERIES and path == kind) or (visits[kind] > MOST_ALIKE and path != kind):
                continue
            seen[url] = page = await self.get(url)
            waiting += sorted(page.links)
        return list(seen.values())


@asynccontextmanager
async def visitor(base: str) -> AsyncIterator[Visitor]:
    """
    Open a browser that has never been here.
    """
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield Visitor(base=base, session=session)
