"""
HTTP handlers for statuses: writing, reading, passing on, deleting, and uploads.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from connectors.playground import threads
from connectors.playground.asking import (
    NOT_FOUND,
    ApiError,
    Params,
    caller,
    charge,
    page_links,
    read_params,
    viewer,
)
from connectors.playground.entities import MIME_TYPES, reaches
from connectors.playground.markup import counted_length
from connectors.playground.shelf import NotReady, NotThere
from connectors.playground.site import SITE
from connectors.playground.values import Person, PersonId, Post, PostId

MOST_AT_ONCE = 20
CONTEXT_FOR_PEOPLE = (4096, 4096)
CONTEXT_FOR_STRANGERS = (40, 60)


async def create(request: web.Request) -> web.Response:
    """
    Publish a status. The key is looked at first: a repeated one costs nothing and checks nothing.
    """
    site, person = request.app[SITE], caller(request, "write:statuses")
    params = await read_params(request)
    key = request.headers.get("Idempotency-Key")
    post = site.world.keyed(person.id, key, now=site.now())
    if post is None:
        wanted = _wanted(request, person, params)
        charge(request, "posts", site.world.rules.limits.posts)
        try:
            post = site.world.write(person.id, now=site.now(), key=key, **wanted)
        except NotReady as error:
            raise ApiError(422, _words(error)) from error
    return web.json_response(site.entities.post(post, person.id))


def _wanted(request: web.Request, person: Person, params: Params) -> dict[str, Any]:
    world = request.app[SITE].world
    text, spoiler = params.text("status"), params.text("spoiler_text")
    reach = reaches(params.text("visibility", "public"))
    media = [int(each) for each in params.many("media_ids") if each.isascii() and each.isdigit()]
    parent = params.text("in_reply_to_id")
    length = counted_length(spoiler + text, url_characters=world.rules.url_characters)
    problems = (
        (not text.strip() and not media, "Validation failed: Text can't be blank"),
        (
            length > world.rules.max_characters,
            f"Validation failed: Text character limit of {world.rules.max_characters} exceeded",
        ),
        (reach is None, "Validation failed: Visibility is not included in the list"),
        (len(media) > world.rules.max_media, f"Cannot attach more than {world.rules.max_media} files"),
        ("poll" in params or "scheduled_at" in params, "The playground knows no polls and no scheduled posts"),
    )
    for wrong, words in problems:
        if wrong:
            raise ApiError(422, words)
    return {
        "text": text,
        "spoiler_text": spoiler,
        "reach": reach,
        "sensitive": params.flag("sensitive") or bool(spoiler),
        "language": params.text("language") or person.language,
        "parent": _id(parent) if parent else None,
        "media": tuple(media),
    }


async def show(request: web.Request) -> web.Response:
    """
    Show one status: a post, or the wrapper of a repost.
    """
    who = _viewer_id(request)
    return web.json_response(_entity(request, _id(request.match_info["id"]), who))


async def show_many(request: web.Request) -> web.Response:
    """
    Show the statuses of `id[]`, leaving out those that are not there.
    """
    who, found = _viewer_id(request), []
    params = await read_params(request)
    for each in params.many("id")[:MOST_AT_ONCE]:
        try:
            found.append(_entity(request, _id(each), who))
        except (NotThere, ApiError):
            continue
    return web.json_response(found)


async def context(request: web.Request) -> web.Response:
    """
    Show what stands above and below a status, as far as the caller may see it.
    """
    site, who = request.app[SITE], _viewer_id(request)
    post = site.world.visible_post(_id(request.match_info["id"]), who)
    most_above, most_below = CONTEXT_FOR_STRANGERS if who is None else CONTEXT_FOR_PEOPLE
    ancestors = threads.above(site.world, post, who, most=most_above)
    descendants = threads.below(site.world, post, who, most=most_below)
    return web.json_response(
        {
            "ancestors": [site.entities.post(each, who) for each in ancestors],
            "descendants": [site.entities.post(each, who) for each in descendants],
        }
    )


async def delete(request: web.Request) -> web.Response:
    """
    Delete an own status; the answer is the last to show its source.
    """
    site, person = request.app[SITE], caller(request, "write:statuses")
    charge(request, "removals", site.world.rules.limits.removals)
    post = site.world.get_post(_id(request.match_info["id"]))
    if post.author != person.id:
        raise NotThere
    shown = site.entities.deleted(post, person.id)
    site.world.delete(post.id)
    return web.json_response(shown)


async def reblog(request: web.Request) -> web.Response:
    """
    Pass a status on; gives the wrapper.
    """
    site, person = request.app[SITE], caller(request, "write:statuses")
    charge(request, "posts", site.world.rules.limits.posts)
    wrapper = site.world.repost(person.id, _post(request, person).id, now=site.now())
    return web.json_response(site.entities.repost(wrapper, person.id))


async def unreblog(request: web.Request) -> web.Response:
    """
    Take a repost back; gives the post.
    """
    site, person = request.app[SITE], caller(request, "write:statuses")
    charge(request, "removals", site.world.rules.limits.removals)
    post = _post(request, person)
    site.world.unrepost(person.id, post.id)
    return web.json_response(site.entities.post(post, person.id))


async def favourite(request: web.Request) -> web.Response:
    """
    Favour a status.
    """
    site, person = request.app[SITE], caller(request, "write:favourites")
    post = _post(request, person)
    site.world.like(person.id, post.id, now=site.now())
    return web.json_response(site.entities.post(post, person.id))


async def unfavourite(request: web.Request) -> web.Response:
    """
    Take a favourite back.
    """
    site, person = request.app[SITE], caller(request, "write:favourites")
    post = _post(request, person)
    site.world.unlike(person.id, post.id)
    return web.json_response(site.entities.post(post, person.id))


async def reblogged_by(request: web.Request) -> web.Response:
    """
    List who passed a status on, newest first; the rows that cut the pages are not in the body.
    """
    return await _people_of(request, "reposts")


async def favourited_by(request: web.Request) -> web.Response:
    """
    List who favoured a status, in the same way.
    """
    return await _people_of(request, "likes")


async def _people_of(request: web.Request, relation: str) -> web.Response:
    site, who = request.app[SITE], _viewer_id(request)
    post = site.world.visible_post(_id(request.match_info["id"]), who)
    cut = (await read_params(request)).cut(default=40, most=80)
    edges = site.world.reposts if relation == "reposts" else site.world.likes
    rows = edges.into(post.id).page(cut)
    people = [site.world.get_person(edges.who(row)) for row in rows]
    headers = page_links(request, rows, limit=cut.limit, newer="since_id")
    return web.json_response([site.entities.account(each) for each in people], headers=headers)


async def upload(request: web.Request) -> web.Response:
    """
    Take a file: 200 when it is ready, 202 when it is still being worked on.
    """
    site, person = request.app[SITE], caller(request, "write:media")
    charge(request, "uploads", site.world.rules.limits.uploads)
    params = await read_params(request)
    if "file" not in params.files:
        raise ApiError(422, "Validation failed: File can't be blank")
    content, kind = params.files["file"]
    if kind not in MIME_TYPES:
        raise ApiError(422, "Validation failed: File content type is invalid, File is invalid")
    _check_description(request, params.text("description"))
    medium = site.world.upload(person.id, content, kind, now=site.now(), text=params.text("description"))
    return web.json_response(site.entities.medium(medium), status=202 if medium.checks_left else 200)


async def show_medium(request: web.Request) -> web.Response:
    """
    Show an own upload that no status has taken: 206 while it is unfinished.
    """
    site, person = request.app[SITE], caller(request, "write:media")
    medium = site.world.shelf.check(person.id, _id(request.match_info["id"]))
    return web.json_response(site.entities.medium(medium), status=206 if medium.checks_left else 200)


async def describe_medium(request: web.Request) -> web.Response:
    """
    Change the description of an own upload that no status has taken.
    """
    site, person = request.app[SITE], caller(request, "write:media")
    text = (await read_params(request)).text("description")
    _check_description(request, text)
    medium = site.world.shelf.describe(person.id, _id(request.match_info["id"]), text)
    return web.json_response(site.entities.medium(medium))


def _check_description(request: web.Request, text: str) -> None:
    limit = request.app[SITE].world.rules.description_limit
    if len(text) > limit:
        raise ApiError(422, f"Validation failed: Description is too long (maximum is {limit} characters)")


def _viewer_id(request: web.Request) -> PersonId | None:
    person = viewer(request, "read:statuses")
    return person.id if person else None


def _post(request: web.Request, person: Person) -> Post:
    return request.app[SITE].world.visible_post(_id(request.match_info["id"]), person.id)


def _entity(request: web.Request, post_id: PostId, who: PersonId | None) -> dict[str, Any]:
    site = request.app[SITE]
    wrapper = site.world.wrappers.get(post_id)
    if wrapper is not None:
        site.world.visible_post(wrapper.post, who)
        return site.entities.repost(wrapper, who)
    return site.entities.post(site.world.visible_post(post_id, who), who)


def _id(text: str) -> PostId:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise ApiError(404, NOT_FOUND)
    return PostId(int(text))


def _words(error: Exception) -> str:
    return " ".join((type(error).__doc__ or "").split())


ROUTES = (
    web.post("/api/v1/statuses", create),
    web.get("/api/v1/statuses", show_many),
    web.get("/api/v1/statuses/{id}", show),
    web.delete("/api/v1/statuses/{id}", delete),
    web.get("/api/v1/statuses/{id}/context", context),
    web.post("/api/v1/statuses/{id}/reblog", reblog),
    web.post("/api/v1/statuses/{id}/unreblog", unreblog),
    web.post("/api/v1/statuses/{id}/favourite", favourite),
    web.post("/api/v1/statuses/{id}/unfavourite", unfavourite),
    web.get("/api/v1/statuses/{id}/reblogged_by", reblogged_by),
    web.get("/api/v1/statuses/{id}/favourited_by", favourited_by),
    web.post("/api/v2/media", upload),
    web.get("/api/v1/media/{id}", show_medium),
    web.put("/api/v1/media/{id}", describe_medium),
)
