"""
A small feature for tests of the shell: a counter that operations raise and pages show.
"""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from aiohttp import web
from pydantic import BaseModel, Field
from sqlmodel import col

from bot.core.errors import Conflict, Invalid, NotFound, TooMany
from bot.core.tables import Lease
from bot.web.operations import Body, Call, Listing, PageQuery, operation
from bot.web.pages import Visit, page


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class ThingIn(Body):
    name: str = Field(max_length=100)
    size: int = Field(default=1, ge=1)
    colour: Colour = Colour.RED


class ThingOut(BaseModel):
    name: str
    count: int


class ThingQuery(PageQuery):
    colour: Colour | None = None


@operation("POST", "/things", permission="conversations.answer", tag="things", status=201)
async def add_thing(call: Call, body: ThingIn) -> ThingOut:
    """
    Add a thing; each one is a row of its own.
    """
    if body.name == "refused":
        raise Conflict("this name is refused")
    row = {"name": call.work.new_id(), "holder": body.name, "until": call.work.now}
    await call.work.session.execute(sa.insert(Lease).values(**row))
    call.work.publish("queue", {"name": body.name})
    return ThingOut(name=body.name, count=body.size)


@operation("POST", "/things/secret", permission="conversations.answer", tag="things", shown_once=True)
async def add_secret(call: Call) -> ThingOut:
    """
    Add a thing whose answer must not be kept.
    """
    row = {"name": call.work.new_id(), "holder": "secret", "until": call.work.now}
    await call.work.session.execute(sa.insert(Lease).values(**row))
    return ThingOut(name="classified", count=1)


@operation("POST", "/things/{name}/drop", permission="conversations.answer", tag="things")
async def drop_thing(call: Call, name: str) -> None:
    """
    Drop things of a name.
    """
    await call.work.session.execute(sa.delete(Lease).where(col(Lease.holder) == name))


@operation("GET", "/things", permission="conversations.read", tag="things")
async def list_things(call: Call, query: ThingQuery) -> Listing[ThingOut]:
    """
    Count things.
    """
    count = int(await call.work.session.scalar(sa.select(sa.func.count()).select_from(Lease)) or 0)
    return Listing(items=[ThingOut(name="all", count=count)][: query.limit])


@operation("GET", "/things/{name}", permission="conversations.read", tag="things")
async def get_thing(call: Call, name: str) -> ThingOut:
    """
    Give a thing, or fail in the way its name says.
    """
    match name:
        case "busy":
            raise TooMany("later", retry_after_seconds=7)
        case "broken":
            raise RuntimeError("a secret of ours")
    count = await call.work.session.scalar(
        sa.select(sa.func.count()).select_from(Lease).where(col(Lease.holder) == name)
    )
    if not count:
        raise NotFound(f"there is no thing named {name!r}")
    return ThingOut(name=name, count=count)


@page("GET", "/things", permission="conversations.read")
async def show_things(visit: Visit) -> web.StreamResponse:
    """
    Show how many there are, by the template of the error page, which every shell has.
    """
    count = await visit.work.session.scalar(sa.select(sa.func.count()).select_from(Lease))
    title = visit.query.get("title", "Things")
    return await visit.render(
        "web/error.html", status=200, error_title=title, error_detail=f"{count} since {visit.live_since}"
    )


@page("POST", "/things", permission="conversations.answer")
async def form_thing(visit: Visit) -> web.StreamResponse:
    """
    Add a thing from a form, or fail in the way its name says.
    """
    name = visit.form.get("name", "")
    row = {"name": visit.work.new_id(), "holder": name, "until": visit.work.now}
    await visit.work.session.execute(sa.insert(Lease).values(**row))
    match name:
        case "broken":
            raise RuntimeError("a secret of ours")
        case "invalid":
            raise Invalid(fields={"name": "cannot be used"})
        case "busy":
            raise TooMany("later", retry_after_seconds=7)
    return visit.go(visit.form.get("next", "/things"), visit.form.get("said", f"{name} was added"))
