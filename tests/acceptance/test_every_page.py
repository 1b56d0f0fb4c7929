"""
Every page there is, in Chromium, in both languages, on a desk and on a phone, light and dark: sound for everybody,
nothing wider than the window, no word that nobody translated, no button that its words do not fit.

Set HUBBUB_SCREENSHOTS to a folder to get a picture of each.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from bot.served import PAGES
from bot.web.keys import LANGUAGE_COOKIE
from bot.web.pages import page_routes
from bot.web.translations import HOLE, read_catalogue
from tests.acceptance.desk import sign_in
from tests.acceptance.furnished import Furnished, addresses, furnished
from tests.acceptance.visitor import PASSWORD, Visitor, visitor
from tests.browser.chromium import COLOURS, DESK, PHONE, findings, launched, opened, picture, scrolls_sideways

# one house, one browser and one loop for the whole file: starting them is most of the time
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

NOT_FOUND = ("404", "410")
PROGRAMS_READ = ("/api",)
"""Pages that show names of the API, which are English for everybody."""

TEXTS = """() => {
    const shown = (one) => one.checkVisibility() && !one.closest("code, pre, [lang], script, style, .mail-html");
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const text = node.textContent.trim();
        if (text && shown(node.parentElement)) found.push(text);
    }
    for (const name of ["placeholder", "aria-label", "title"]) {
        const named = [...document.querySelectorAll(`[${name}]`)].filter(shown);
        found.push(...named.map((one) => one.getAttribute(name)));
    }
    return found;
}"""
"""Everything that a page says, but not what people wrote: that has a language of its own."""

CRAMPED = """() => [...document.querySelectorAll("button, .button, .chip, .badge, .tabs a, summary, th, label")]
    .filter((one) => one.checkVisibility() && !one.closest(".only-heard, .clip"))
    .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0
        && getComputedStyle(one).display !== "inline")
    .map((one) => `${one.clientWidth} < ${one.scrollWidth}: ${one.textContent.trim().slice(0, 60)}`)"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Furnished]:
    async with furnished(tmp_path_factory.mktemp("furnished")) as built:
        yield built


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cookies(browser: Browser, house: Furnished) -> Any:
    async with opened(browser, house.house.daemon.url) as page:
        await sign_in(page, "root", PASSWORD)
        return await page.context.storage_state()


def in_language(cookies: Any, language: str, url: str) -> Any:
    chosen = {"name": LANGUAGE_COOKIE, "value": language, "url": url}
    return {**cookies, "cookies": [*cookies["cookies"], chosen]}


def translated() -> frozenset[str]:
    """
    Give the English of everything that is said otherwise in Chinese.
    """
    return frozenset(
        text
        for message in read_catalogue("zh")
        for text in ([message.id] if isinstance(message.id, str) else message.id)
        if text and message.string and text not in (message.string, *message.string) and not HOLE.search(text)
    )


async def _wrong_with(page: Page, url: str, *, colours_only: bool, english: frozenset[str]) -> list[Any]:
    wrong: list[Any] = await findings(page, *(COLOURS if colours_only else ()))
    if await scrolls_sideways(page):
        wrong.append(("scrolls sideways", await page.evaluate("document.documentElement.scrollWidth")))
    if cramped := await page.evaluate(CRAMPED):
        wrong.append(("too narrow", cramped))
    if english and not url.startswith(PROGRAMS_READ):
        said = {text for text in await page.evaluate(TEXTS) if text in english}
        wrong += [("not translated", sorted(said))] if said else []
    return wrong


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [("en", "desk", "dark"), ("en", "phone", "light"), ("zh", "desk", "light"), ("zh", "phone", "dark")],
)
async def test_every_page_is_sound_in_both_languages(
    browser: Browser, house: Furnished, cookies: Any, language: str, size: str, scheme: str
) -> None:
    daemon = house.house.daemon.url
    looks = {"viewport": PHONE if size == "phone" else DESK, "has_touch": size == "phone", "color_scheme": scheme}
    state = in_language(cookies, language, daemon)
    english = translated() if language == "zh" else frozenset()
    wrong: dict[str, Any] = {}
    async with opened(browser, f"{daemon}/queue", expected=NOT_FOUND, storage_state=state, **looks) as page:
        for route, path in addresses(house).items():
            answer = await page.goto(daemon + path)
            assert answer is not None
            assert answer.status < 400, (path, answer.status)
            spoken = await page.locator("html").get_attribute("lang")
            if spoken is None:
                continue  # a part that other pages fetch
            assert spoken == {"zh": "zh-CN"}.get(language, language), path
            await picture(
                page, f"every{route.replace('/', '-').replace('{', '').replace('}', '')}-{language}-{size}"
            )
            # Light and dark are the same page in other colours, and desk and phone the same words.
            if found := await _wrong_with(page, route, colours_only=scheme == "dark", english=english):
                wrong[route] = found
    assert wrong == {}


# ---- how far everything is --------------------------------------------------------------------------------------

CLICKS = 3
MOST_OF_ONE = 8
"""Pages of one kind that are looked into; a queue has hundreds of conversations."""
FARTHER = {"/webhooks/{id}/deliveries/{delivery_id}", "/moments"}
"""One attempt in the log of one webhook; and what a form fetches while somebody types."""
PARTS = re.compile(r'hx-get="(/[^"?]+)[^"]*" hx-trigger="load')
"""What a page fetches by itself: its links are the page's."""


def _routes() -> list[tuple[str, re.Pattern[str]]]:
    """
    Give every page behind the door, plain addresses before those with holes, and what matches it.
    """
    routes = [route for module in PAGES for route in page_routes(module)]
    found = {route.url for route in routes if route.method == "GET" and route.permission}
    urls = sorted(found, key=lambda url: ("{" in url, url))
    return [(url, re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(url)))) for url in urls]


async def _links(browser: Visitor, path: str) -> set[str]:
    page = await browser.get(path)
    found = {link for link in page.links if link.startswith(f"{browser.base}/")}
    for part in PARTS.findall(page.source):
        found |= (await browser.get(part)).links
    return {link.removeprefix(browser.base).partition("#")[0] for link in found}


async def _nearby(browser: Visitor) -> dict[str, int]:
    """
    Follow links from the queue; gives how many clicks away each page is.
    """
    routes, away, seen, known = _routes(), {"/queue": 0}, Counter[str](), {"/queue"}

    def kind_of(path: str) -> Iterator[str]:
        return (url for url, pattern in routes if pattern.fullmatch(urlsplit(path).path))

    level = {"/queue"}
    for clicks in range(1, CLICKS + 1):
        following: set[str] = set()
        for path in sorted(level):
            for link in sorted(await _links(browser, path) - known):
                known.add(link)
                kind = next(kind_of(link), "")
                away.setdefault(kind, clicks)
                seen[kind] += 1
                if kind and seen[kind] <= MOST_OF_ONE:
                    following.add(link)
        level = following
    return away


async def test_every_page_is_three_clicks_from_the_queue(house: Furnished) -> None:
    async with visitor(house.house.daemon.url) as browser:
        await browser.sign_in("root")
        away = await _nearby(browser)
    wanted = set(addresses(house)) & {url for url, _ in _routes()}
    assert wanted - set(away) <= FARTHER, sorted(wanted - set(away) - FARTHER)
