"""
A page to read the API's document, made on the server from the same operations.
"""

from __future__ import annotations

from aiohttp import web

from bot.web.keys import DOCUMENT
from bot.web.pages import Visit, page


@page("GET", "/api", permission="api.docs")
async def api_docs(visit: Visit) -> web.StreamResponse:
    """
    Show every operation with its parameters and bodies.
    """
    return await visit.render("web/api_docs.html", document=visit.request.app[DOCUMENT])
