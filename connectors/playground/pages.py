"""
What anybody sees in a browser: the simulated network, saying on every page that it is simulated.

Only public and unlisted posts show. Foreign HTML is never shown: pages are made of the plain source.
"""

from __future__ import annotations

import hashlib
import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from connectors.playground import threads
from connectors.playground.asking import read_params
from connectors.playground.entities import instant
from connectors.playground.index import Cut
from connectors.playground.markup import Mentioned, mentioned_names, to_html
from connectors.playground.shelf import NotThere
from connectors.playground.site import SITE, Site
from connectors.playground.values import Person, Post, PostId, Reach

PAGE_SIZE = 40
LONGEST_TEXT = 5_000
"""Characters of a post that a page shows; the API shows all of it."""

_TEMPLATES = Path(__file__).with_name("templates")
_PAGES = Environment(
    loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_SHORTCODE = re.compile(r"(?<![\w:]):([a-zA-Z0-9_]{2,}):(?![\w:])")


def ago(span: timedelta) -> str:
    """
    Say how long ago something was, in short.
    """
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "now" if seconds < 5 else f"{seconds} s"


def with_pictures(escaped: str) -> Markup:
    """
    Put pictures in place of the custom emoji of an already escaped text.
    """
    made = _SHORTCODE.sub(r'<img class="emoji" src="/emoji/\1.svg" alt=":\1:" title=":\1:">', escaped)
    return Markup(made)


async def home(request: web.Request) -> web.Response:
    """
    Show what was said last.
    """
    site = request.app[SITE]
    cut = Cut(limit=PAGE_SIZE, max_id=(await read_params(request)).number("max_id"))
    rows = site.world.public.page(cut)
    return _page(
        "home.html",
        title="What people say",
        cards=[_card(site, site.world.posts[PostId(row)]) for row in rows],
        older=rows[-1] if len(rows) == PAGE_SIZE else None,
        brands=[_person(site, each) for each in site.world.people.values() if each.brand],
        people=len(site.world.people),
        posts=len(site.world.posts),
        base=site.base,
    )


async def show_person(request: web.Request) -> web.Response:
    """
    Show an account with its public posts and reposts.
    """
    site, person = request.app[SITE], _named(request)
    cut = Cut(limit=PAGE_SIZE, max_id=(await read_params(request)).number("max_id"))
    rows = site.world.written(person.id).page(cut, lambda row: _is_public(_behind(site, row)))
    return _page(
        "person.html",
        title=person.name or person.acct,
        person=_person(site, person),
        cards=[_card_of_row(site, row) for row in rows],
        older=rows[-1] if len(rows) == PAGE_SIZE else None,
    )


async def show_post(request: web.Request) -> web.Response:
    """
    Show a post between what it answers and what answers it.
    """
    site, person = request.app[SITE], _named(request)
    post = site.world.visible_post(PostId(_number(request)), None)
    if post.author != person.id:
        raise NotThere
    above = threads.above(site.world, post, None, most=PAGE_SIZE)
    below = threads.below(site.world, post, None, most=PAGE_SIZE)
    return _page(
        "thread.html",
        title=f"{person.name}: {post.text[:60]}",
        above=[_card(site, each) for each in above],
        card=_card(site, post),
        below=[_card(site, each) for each in below],
    )


async def style(request: web.Request) -> web.Response:
    """
    Give the style sheet.
    """
    text = (_TEMPLATES / "playground.css").read_text("utf-8")
    return web.Response(text=text, content_type="text/css", headers=_HEADERS)


async def avatar(request: web.Request) -> web.Response:
    """
    Draw somebody: two colours by name, and the first letter.
    """
    person = request.app[SITE].world.get_person(_number(request))
    letter = next((each for each in (person.name or person.username) if each.isalnum()), "?")
    return _drawing(person.acct, letter.upper(), square=person.brand)


async def emoji(request: web.Request) -> web.Response:
    """
    Draw a custom emoji.
    """
    return _drawing(request.match_info["code"], "👋" if request.match_info["code"] == "wave" else "◕‿◕")


async def header(request: web.Request) -> web.Response:
    """
    Draw the picture on top of profiles.
    """
    return _drawing("header", "")


async def file(request: web.Request) -> web.Response:
    """
    Give an uploaded file.
    """
    medium = request.app[SITE].world.shelf.find(_number(request))
    if medium is None or medium.checks_left:
        raise NotThere
    return web.Response(body=medium.content, content_type=medium.content_type, headers=_HEADERS)


def _page(template: str, **values: Any) -> web.Response:
    text = _PAGES.get_template(template).render(values)
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)


def _number(request: web.Request) -> int:
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise NotThere
    return int(text)


def _named(request: web.Request) -> Person:
    person = request.app[SITE].world.find_person(request.match_info["acct"])
    if person is None:
        raise NotThere
    return person


def _is_public(post: Post) -> bool:
    return post.reach in (Reach.PUBLIC, Reach.UNLISTED)


def _behind(site: Site, row: int) -> Post:
    wrapper = site.world.wrappers.get(PostId(row))
    return site.world.posts[wrapper.post if wrapper else PostId(row)]


def _card_of_row(site: Site, row: int) -> dict[str, Any]:
    wrapper = site.world.wrappers.get(PostId(row))
    by = _person(site, site.world.people[wrapper.author]) if wrapper else None
    return {**_card(site, _behind(site, row)), "reposted_by": by}


def _person(site: Site, person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "acct": person.acct,
        "name": with_pictures(html.escape(person.name or person.username)),
        "note": person.note,
        "brand": person.brand,
        "bot": person.bot,
        "followers": site.world.follower_count(person.id),
        "posts": len(site.world.written(person.id)),
    }


def _card(site: Site, post: Post) -> dict[str, Any]:
    world = site.world
    answered = world.people[post.parent_author] if post.parent_author is not None else None
    return {
        "id": post.id,
        "person": _person(site, world.people[post.author]),
        "reposted_by": None,
        "answers": _person(site, answered) if answered else None,
        "at": instant(post.written_at),
        "ago": ago(site.now() - post.written_at),
        "warning": post.spoiler_text,
        "language": post.language,
        "text": with_pictures(_text(site, post)),
        "images": [
            {"url": f"/files/{each}", "text": world.shelf.get(each).description}
            for each in post.media
            if world.shelf.get(each).content_type.startswith("image/")
        ],
        "replies": len(world.replies(post.id)),
        "reposts": len(world.reposts.into(post.id)),
        "likes": len(world.likes.into(post.id)),
    }


def _text(site: Site, post: Post) -> str:
    text = post.text[:LONGEST_TEXT] + ("…" if len(post.text) > LONGEST_TEXT else "")
    known = ((name, site.world.find_person(name)) for name in mentioned_names(text))
    cards = {name: Mentioned(url=f"/@{who.acct}", username=who.username) for name, who in known if who}
    return to_html(text, cards, tag_base="/?tag=")


def _drawing(name: str, letter: str, *, square: bool = False) -> web.Response:
    hue = int.from_bytes(hashlib.sha256(name.encode()).digest()[:2]) % 360
    size = 22 if len(letter) > 1 else 46
    corner = 0 if not square else 18
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
        f'<rect width="100" height="100" rx="{corner}" fill="hsl({hue} 55% 38%)"/>'
        f'<circle cx="82" cy="18" r="34" fill="hsl({(hue + 40) % 360} 60% 50%)" opacity=".55"/>'
        f'<text x="50" y="52" fill="#fff" font-family="sans-serif" font-size="{size}" font-weight="600" '
        f'text-anchor="middle" dominant-baseline="central">{html.escape(letter)}</text></svg>'
    )
    return web.Response(text=text, content_type="image/svg+xml", headers=_HEADERS)


ROUTES = (
    web.get("/", home),
    web.get("/playground.css", style),
    web.get("/header.svg", header),
    web.get("/avatars/{id}.svg", avatar),
    web.get(r"/emoji/{code:\w+}.svg", emoji),
    web.get("/files/{id}", file),
    web.get("/@{acct}", show_person),
    web.get("/@{acct}/{id}", show_post),
)
