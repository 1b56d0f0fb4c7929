"""
Static files as a browser gets them.
"""

import gzip
import re

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.web.assets import FOR_EVER, STATIC, AssetMissing, Assets, takes_gzip

CSS = "body { color: rebeccapurple }\n" * 50


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "static"
    (root / "vendor").mkdir(parents=True)
    (root / "app.css").write_text(CSS, "utf-8")
    (root / "vendor" / "tool.min.js").write_text("let a = 1", "utf-8")
    (root / "secret.env").write_text("not for browsers", "utf-8")
    (tmp_path / "outside.css").write_text("outside", "utf-8")
    return root


@pytest.fixture
async def browser(folder):
    app = web.Application()
    app.add_routes(Assets(folder).routes())
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client


def test_an_address_carries_the_hash_of_the_content(folder):
    before = Assets(folder).url("app.css")
    assert re.fullmatch(r"/static/app\.[0-9a-f]{12}\.css", before)
    assert re.fullmatch(r"/static/vendor/tool\.min\.[0-9a-f]{12}\.js", Assets(folder).url("vendor/tool.min.js"))
    assert Assets(folder).url("app.css") == before
    (folder / "app.css").write_text("body {}", "utf-8")
    assert Assets(folder).url("app.css") != before


def test_a_missing_file_is_named(folder):
    with pytest.raises(AssetMissing, match=r"nothing\.css"):
        Assets(folder).url("nothing.css")


async def test_a_file_is_kept_for_ever_and_packed_when_that_is_accepted(browser, folder):
    address = Assets(folder).url("app.css")
    plain = await browser.get(address, headers={"Accept-Encoding": "identity"})
    packed = await browser.get(address, headers={"Accept-Encoding": "br, gzip"})
    assert plain.status == packed.status == 200
    assert "Content-Encoding" not in plain.headers
    assert await plain.text() == CSS
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(await packed.read()).decode() == CSS
    assert len(await packed.read()) < len(CSS)
    for response in (plain, packed):
        assert response.headers["Cache-Control"] == FOR_EVER
        assert response.headers["Content-Type"] == "text/css; charset=utf-8"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_what_does_not_shrink_is_sent_as_it_is(browser, folder):
    response = await browser.get(Assets(folder).url("vendor/tool.min.js"), headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in response.headers
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/static/app.css",  # without its hash it may be an old one
        "/static/secret.env",
        "/static/../outside.css",
        "/static/%2e%2e/outside.css",
        "/static/..%2foutside.css",
        "/static/vendor/",
        "/static//app.css",
    ],
)
async def test_nothing_else_is_served(browser, path):
    response = await browser.get(path)
    assert response.status == 404


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP;q=0.5", True),
        ("br, gzip;q=1.0", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.00", False),
        ("br", False),
    ],
)
def test_the_browser_says_whether_it_takes_gzip(header, expected):
    assert takes_gzip(header) is expected


def test_our_own_files_are_there():
    assets = Assets()
    for path in STATIC.glob("*.*"):
        assert assets.url(path.name).startswith("/static/")
