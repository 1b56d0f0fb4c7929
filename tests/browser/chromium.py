"""
The real Chromium of the tests: started once, one fresh context a page, and whatever the console says counts.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.conftest import missing

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
HAS_CHROMIUM = CHROMIUM.exists()
HAS_FRONT_END = (ROOT / "bot" / "web" / "static" / "vendor" / "htmx.min.js").exists()
AXE_FILE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
AXE = AXE_FILE.read_text("utf-8") if AXE_FILE.exists() else ""
SCREENSHOTS = os.environ.get("HUBBUB_SCREENSHOTS")
PATIENCE_MS = 30_000
"""A busy machine is no fault of the page."""
expect.set_options(timeout=PATIENCE_MS)

DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
SERIOUS = ("serious", "critical")
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe-core that can find something in one colour scheme and not in the other."""


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """
    Start Chromium; skips the test (in CI: fails it) where Chromium or the built front end is missing.
    """
    if not HAS_CHROMIUM:
        missing("Chromium")
    if not HAS_FRONT_END:
        missing("the front end (pip install -e .)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        await browser.close()


@asynccontextmanager
async def opened(
    browser: Browser, url: str, *, expected: Sequence[str] = (), **options: Any
) -> AsyncIterator[Page]:
    """
    Open a page in a context of its own.

    An error on its console fails the test, a violation of the content security policy among them.

    Args:
        expected: parts of the errors that belong to the test.
        options: of the context, such as `viewport` and `color_scheme`.
    """
    context = await browser.new_context(**{"viewport": DESK, "locale": "en-GB", **options})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    try:
        await page.goto(url)
        yield page
    finally:
        await context.close()
    unexpected = [text for text in wrong if not any(part in text for part in expected)]
    assert unexpected == [], unexpected


async def findings(page: Page, *rules: str) -> list[tuple[str, list[Any]]]:
    """
    Ask axe-core what is seriously wrong with the page as it stands; gives rule and elements.

    Args:
        rules: only these; all, where none is named.
    """
    if not AXE:
        missing("axe-core (npm ci)")
    # evaluate() is not bound by the page's policy, a script element would be
    await page.evaluate(AXE)
    asked = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found = await page.evaluate("asked => axe.run(document, asked)", asked)
    return [
        (one["id"], [node["target"] for node in one["nodes"]])
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]


async def small_targets(page: Page, least: float) -> list[str]:
    """
    List what can be pressed and is narrower or lower than so many pixels.
    """
    found: list[str] = await page.evaluate(
        """least => [...document.querySelectorAll(":is(a, button, summary, input, select, textarea)")]
            .filter((one) => one.checkVisibility() && !one.closest(".mail-html, .skip-link, .only-heard"))
            .map((one) => [one.outerHTML.slice(0, 90), (one.closest("label") ?? one).getBoundingClientRect()])
            .filter(([, box]) => box.height > 1 && (box.height < least || box.width < least))
            .map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)""",
        least,
    )
    return found


async def scrolls_sideways(page: Page) -> bool:
    """
    Tell whether the page is wider than its window.
    """
    return bool(await page.evaluate("document.documentElement.scrollWidth > innerWidth"))


async def picture(page: Page, name: str) -> None:
    """
    Keep a picture where HUBBUB_SCREENSHOTS names a folder.
    """
    if SCREENSHOTS:
        await page.screenshot(path=f"{SCREENSHOTS}/{name}.png", caret="initial")
