"""
Serves the gallery with the real shell, the real static files and the real headers.

Verbs answer as the real ones do: 303 to a page, or a refusal.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.inbox.mentions import Mentionable, offered
from bot.web.assets import Assets
from bot.web.gate import SignedIn
from bot.web.middleware import HEADERS
from bot.web.shell import NavEntry, Shell
from tests.browser.gallery import Gallery

PLACES = ["Queue", "Outbox", "Accounts", "Heard", "Staff"]
PERSON = Actor(id="s1", name="Ana Souza", role="lead", kind="staff")


class EverybodyMay:
    """
    A gate that lets everybody in.
    """

    def may(self, role: str, permission: str) -> bool:
        return True

    async def session(self, work: UnitOfWork, cookie: str) -> SignedIn | None:
        return None

    async def token(self, work: UnitOfWork, bearer: str) -> Actor | None:
        return None


class Site:
    """
    The handlers; `app()` makes the application.
    """

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._assets = Assets()
        nav = [NavEntry(label=place, url=f"/{place.lower()}", permission="any") for place in PLACES]
        packages = ["bot.web", "bot.inbox", "bot.replies"]
        self._shell = Shell(assets=self._assets, gate=EverybodyMay(), packages=packages, nav=nav, simulated=True)
        own = jinja2.FileSystemLoader(Path(__file__).with_name("templates"))
        self._shell.jinja.loader = jinja2.ChoiceLoader([self._shell.jinja.loader, own])

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                *self._assets.routes(),
                web.get("/queue", self.queue),
                web.get("/queue/list", self.queue_list),
                web.get("/conversations/{id}", self.conversation),
                web.get("/conversations/{id}/timeline", self.timeline),
                web.get("/conversations/{id}/helps", self.helps),
                web.post("/conversations/{id}/draft", self.draft),
                web.post("/conversations/{id}/here", self.here),
                web.get("/conversations/{id}/onlookers", self.onlookers),
                web.get("/colleagues/options", self.colleagues),
                web.post("/conversations/{id}/{verb}", self.verb),
                web.get("/notifications/bell", self.bell),
                web.get("/live", self.live),
                web.get("/sign-in", self.sign_in),
                web.get("/broken/{status}", self.broken),
                web.get("/parts", self.parts),
            ]
        )
        return app

    def _page(
        self, request: web.Request, template: str, /, *, person: Actor | None = PERSON, **context: Any
    ) -> web.Response:
        frame = {
            "person": person,
            "csrf": "token",
            "nav": self._shell.nav_for(person, request.path),
            "banners": self._gallery.banners,
            "unread": self._gallery.unread,
            "presence": None,
            "simulated": True,
            "now": datetime.now(UTC),
            "live_since": 0,
            "messages": self._gallery.messages,
            "may": lambda _: True,
            "path": request.path,
        }
        text = self._shell.render(template, {**frame, **context})
        if "/_" not in template:  # a fragment that comes in between takes nobody's message away
            self._gallery.messages = []
        return web.Response(text=text, content_type="text/html", headers=HEADERS)

    def _error(self, request: web.Request, status: int, title: str, detail: str) -> web.Response:
        words = {"status": status, "error_title": title, "error_detail": detail}
        response = self._page(request, "web/error.html", person=None, **words)
        response.set_status(status)
        return response

    def _refused(self, request: web.Request, text: str) -> web.Response:
        number = request.match_info["id"]
        self._gallery.messages = [{"level": "error", "text": "A newer message came in. Read it, then send."}]
        conversation = self._gallery.conversation(number, draft=text)
        queue = self._gallery.queue("all", current=number)
        response = self._page(request, "inbox/conversation.html", queue=queue, conversation=conversation)
        response.set_status(self._gallery.refuse)
        return response

    async def queue(self, request: web.Request) -> web.Response:
        tab, search = request.query.get("tab", "all"), request.query.get("q", "")
        return self._page(request, "inbox/queue.html", queue=self._gallery.queue(tab, search))

    async def queue_list(self, request: web.Request) -> web.Response:
        queue = self._gallery.queue(request.query.get("tab", "all"))
        return self._page(request, "inbox/_queue_list.html", queue=queue)

    async def conversation(self, request: web.Request) -> web.Response:
        number = request.match_info["id"]
        queue = self._gallery.queue(request.query.get("tab", "all"), current=number)
        conversation = self._gallery.conversation(number)
        response = self._page(request, "inbox/conversation.html", queue=queue, conversation=conversation)
        if self._gallery.verbs and self._gallery.meanwhile:
            meanwhile, self._gallery.meanwhile = self._gallery.meanwhile, None
            await meanwhile()
        return response

    async def timeline(self, request: web.Request) -> web.Response:
        conversation = self._gallery.conversation(request.match_info["id"])
        return self._page(request, "inbox/_timeline.html", conversation=conversation)

    async def helps(self, request: web.Request) -> web.Response:
        conversation = self._gallery.conversation(request.match_info["id"])
        nothing: dict[str, Any] = {"suggestions": [], "macros": [], "alike": None}
        return self._page(request, "replies/_helps.html", conversation=conversation, **nothing)

    async def draft(self, request: web.Request) -> web.Response:
        form = await request.post()
        kind, text, version = str(form["kind"]), str(form["text"]), int(str(form["version"]))
        kept, known = self._gallery.drafts.get(kind, ("", 0))
        if self._gallery.drafts_away:
            raise web.HTTPServiceUnavailable
        if kept != text and version != known:
            return web.json_response({"text": kept, "version": known}, status=409)
        self._gallery.drafts[kind] = (text, known + 1)
        return web.json_response({"version": known + 1})

    async def here(self, request: web.Request) -> web.Response:
        form = await request.post()
        self._gallery.beats.append("leaving" if "leaving" in form else f"typing {form.get('typing', '')}".strip())
        return web.Response(status=204)

    async def onlookers(self, request: web.Request) -> web.Response:
        return self._page(request, "inbox/_onlookers.html", onlookers=self._gallery.onlookers)

    async def colleagues(self, request: web.Request) -> web.Response:
        known = [
            Mentionable(id="s2", login="ben", name="Ben Okafor"),
            Mentionable(id="s3", login="chen", name="周慧"),
        ]
        found = offered(request.query["q"], known)
        return self._page(request, "inbox/_colleague_options.html", offered=found)

    async def bell(self, request: web.Request) -> web.Response:
        return self._page(request, "web/_bell_alone.html")

    async def verb(self, request: web.Request) -> web.Response:
        gallery, name = self._gallery, request.match_info["verb"]
        form = {key: str(value) for key, value in (await request.post()).items()}
        gallery.verbs.append((name, form))
        if gallery.refuse and name == "reply":
            return self._refused(request, form["text"])
        if gallery.refuse:
            return self._error(request, gallery.refuse, "Someone was faster", "Ben Okafor has claimed it since.")
        if name == "reply":
            gallery.sent.append(form["text"])
            gallery.drafts.pop("reply", None)
        if name in ("claim", "release"):
            gallery.claimed = name == "claim"
        gallery.messages = [{"level": "success", "text": f"Done: {name}."}]
        raise web.HTTPSeeOther(gallery.answer_at or f"/conversations/{request.match_info['id']}")

    async def live(self, request: web.Request) -> web.StreamResponse:
        gallery = self._gallery
        if not gallery.stream_up:
            raise web.HTTPServiceUnavailable
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        await response.write(b"id: 0\nevent: hello\ndata: {}\n\n")
        gallery.streams.add(response)
        with suppress(ConnectionError):
            while gallery.stream_up:
                await asyncio.sleep(0.05)
        gallery.streams.discard(response)
        return response

    async def sign_in(self, request: web.Request) -> web.Response:
        error = "That name and password do not belong together." if "wrong" in request.query else ""
        return self._page(request, "web/sign_in.html", person=None, login="ana", error=error, next="/queue")

    async def broken(self, request: web.Request) -> web.Response:
        return self._error(request, int(request.match_info["status"]), "Not Found", "")

    async def parts(self, request: web.Request) -> web.Response:
        return self._page(request, "parts.html")


async def tell(gallery: Gallery, topic: str, number: int) -> None:
    """
    Send one event to every open page.
    """
    for stream in list(gallery.streams):
        await stream.write(f"id: {number}\nevent: {topic}\ndata: {{}}\n\n".encode())
