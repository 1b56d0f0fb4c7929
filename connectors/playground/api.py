"""
HTTP handlers for the instance, accounts and notifications.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiohttp import web

from connectors.playground.asking import (
    NOT_FOUND,
    ApiError,
    Params,
    caller,
    page_links,
    read_params,
    viewer,
)
from connectors.playground.entities import instance_v1, instance_v2, policy_entity
from connectors.playground.site import SITE
from connectors.playground.values import Notice, Person, PersonId, Policy, PostId, Verdict


async def show_instance(request: web.Request) -> web.Response:
    """
    Show what this server is and allows.
    """
    site = request.app[SITE]
    return web.json_response(instance_v2(site.world.rules, base=site.base, domain=site.world.domain))


async def show_older_instance(request: web.Request) -> web.Response:
    """
    Show the same in the older form.
    """
    site = request.app[SITE]
    return web.json_response(instance_v1(site.world.rules, base=site.base, domain=site.world.domain))


async def verify(request: web.Request) -> web.Response:
    """
    Say whose token this is.
    """
    person = caller(request, "read:accounts")
    return web.json_response(request.app[SITE].entities.own_account(person))


async def update(request: web.Request) -> web.Response:
    """
    Change the own profile: `bot`, `display_name`, `note`.
    """
    site, person = request.app[SITE], caller(request, "write:accounts")
    params = await read_params(request)
    changes: dict[str, Any] = {}
    if "bot" in params:
        changes["bot"] = params.flag("bot")
    if "display_name" in params:
        changes["name"] = params.text("display_name")[:30]
    if "note" in params:
        changes["note"] = params.text("note")[:500]
    return web.json_response(site.entities.own_account(site.world.alter(person.id, **changes)))


async def show_account(request: web.Request) -> web.Response:
    """
    Show an account by id.
    """
    viewer(request, "read:accounts")
    return web.json_response(request.app[SITE].entities.account(_person(request)))


async def lookup(request: web.Request) -> web.Response:
    """
    Show an account by name, if this server knows it.
    """
    site = request.app[SITE]
    viewer(request, "read:accounts")
    person = site.world.find_person((await read_params(request)).text("acct"))
    if person is None:
        raise ApiError(404, NOT_FOUND)
    return web.json_response(site.entities.account(person))


async def account_statuses(request: web.Request) -> web.Response:
    """
    List somebody's posts and reposts, newest first.
    """
    site, asking = request.app[SITE], viewer(request, "read:statuses")
    who = asking.id if asking else None
    person, params = _person(request), await read_params(request)
    cut = params.cut(default=20, most=40)
    rows = site.world.written(person.id).page(cut, lambda row: _wanted(request, row, params, who))
    shown = []
    for row in rows:
        wrapper = site.world.wrappers.get(PostId(row))
        post = site.world.posts.get(PostId(row))
        if wrapper:
            shown.append(site.entities.repost(wrapper, who))
        elif post:
            shown.append(site.entities.post(post, who))
    return web.json_response(shown, headers=page_links(request, rows, limit=cut.limit, newer="min_id"))


def _wanted(request: web.Request, row: int, params: Params, who: PersonId | None) -> bool:
    world = request.app[SITE].world
    wrapper = world.wrappers.get(PostId(row))
    if wrapper is not None:
        hidden = params.flag("exclude_reblogs") or params.flag("only_media")
        return not hidden and world.may_see(world.posts[wrapper.post], who)
    post = world.posts[PostId(row)]
    to_others = post.parent_author is not None and post.parent_author != post.author
    if (params.flag("exclude_replies") and to_others) or (params.flag("only_media") and not post.media):
        return False
    return not params.flag("pinned") and world.may_see(post, who)


async def followers(request: web.Request) -> web.Response:
    """
    List who follows somebody, newest first; the rows that cut the pages are not in the body.
    """
    return await _follows(request, of="followers")


async def following(request: web.Request) -> web.Response:
    """
    List whom somebody follows, in the same way.
    """
    return await _follows(request, of="following")


async def _follows(request: web.Request, *, of: str) -> web.Response:
    site, person = request.app[SITE], _person(request)
    viewer(request, "read:accounts")
    cut = (await read_params(request)).cut(default=40, most=80)
    edges = site.world.follows
    if of == "followers":
        rows, other = edges.into(person.id).page(cut), edges.who
    else:
        rows, other = edges.out_of(person.id).page(cut), edges.what
    shown = [site.entities.account(site.world.get_person(other(row))) for row in rows]
    return web.json_response(shown, headers=page_links(request, rows, limit=cut.limit, newer="since_id"))


async def list_notifications(request: web.Request) -> web.Response:
    """
    List the caller's notifications; unknown types are ignored, as on a real server.
    """
    site, person = request.app[SITE], caller(request, "read:notifications")
    params = await read_params(request)
    cut = params.cut(default=40, most=80)
    wanted = params.many("types") or [kind.value for kind in Notice]
    kinds = [each for each in Notice if each in wanted and each not in params.many("exclude_types")]
    page = site.world.notices.page(person.id, cut, kinds, filtered=params.flag("include_filtered"))
    links = page_links(request, [each.id for each in page], limit=cut.limit, newer="min_id")
    return web.json_response([site.entities.notification(each) for each in page], headers=links)


async def show_notification(request: web.Request) -> web.Response:
    """
    Show one of the caller's notifications.
    """
    site, person = request.app[SITE], caller(request, "read:notifications")
    found = site.world.notices.find(_id(request))
    if found is None or found.owner != person.id:
        raise ApiError(404, NOT_FOUND)
    return web.json_response(site.entities.notification(found))


async def dismiss(request: web.Request) -> web.Response:
    """
    Remove one of the caller's notifications.
    """
    site, person = request.app[SITE], caller(request, "write:notifications")
    found = site.world.notices.find(_id(request))
    if found is None or found.owner != person.id:
        raise ApiError(404, NOT_FOUND)
    site.world.notices.dismiss(found.id)
    return web.json_response({})


async def show_policy(request: web.Request) -> web.Response:
    """
    Show whose notifications the caller lets through.
    """
    person = caller(request, "read:notifications")
    return _policy_answer(request, person)


async def change_policy(request: web.Request) -> web.Response:
    """
    Change whose notifications the caller lets through from now on.
    """
    site, person = request.app[SITE], caller(request, "write:notifications")
    params = await read_params(request)
    changes = {}
    for name in Policy.__dataclass_fields__:
        if name in params:
            try:
                changes[name] = Verdict(params.text(name))
            except ValueError as error:
                raise ApiError(422, f"'{params.text(name)}' is not a valid {name}") from error
    site.world.policies[person.id] = replace(site.world.policies.get(person.id, Policy()), **changes)
    return _policy_answer(request, person)


def _policy_answer(request: web.Request, person: Person) -> web.Response:
    world = request.app[SITE].world
    policy = world.policies.get(person.id, Policy())
    return web.json_response(policy_entity(policy, diverted=world.notices.diverted(person.id)))


def _person(request: web.Request) -> Person:
    return request.app[SITE].world.get_person(_id(request))


def _id(request: web.Request) -> int:
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise ApiError(404, NOT_FOUND)
    return int(text)


ROUTES = (
    web.get("/api/v1/instance", show_older_instance),
    web.get("/api/v2/instance", show_instance),
    web.get("/api/v1/accounts/verify_credentials", verify),
    web.patch("/api/v1/accounts/update_credentials", update),
    web.get("/api/v1/accounts/lookup", lookup),
    web.get("/api/v1/accounts/{id}", show_account),
    web.get("/api/v1/accounts/{id}/statuses", account_statuses),
    web.get("/api/v1/accounts/{id}/followers", followers),
    web.get("/api/v1/accounts/{id}/following", following),
    web.get("/api/v1/notifications", list_notifications),
    web.get("/api/v1/notifications/{id}", show_notification),
    web.post("/api/v1/notifications/{id}/dismiss", dismiss),
    web.get("/api/v2/notifications/policy", show_policy),
    web.patch("/api/v2/notifications/policy", change_policy),
)
