"""
The truth about what happened, for tests to compare with. Reads the world, changes nothing.
"""

from __future__ import annotations

from typing import Any

from connectors.playground.entities import instant
from connectors.playground.values import Notice, Person, Post, PostId
from connectors.playground.world import World


def facts(world: World) -> dict[str, Any]:
    """
    Tell what every brand was asked, what was answered, and what reached whom.

    Returns:
        `asked`: every post that mentions a brand, with the brand's answers that stand below it; `answers` is
        therefore what "exactly once" is about. `received`: by name of the receiver, each post of a brand that
        mentions them (only those notify anybody).
    """
    brands = [person for person in world.people.values() if person.brand]
    ids = {brand.id for brand in brands}
    asked = [
        _asked(world, post, brand)
        for post in world.posts.values()
        for brand in brands
        if post.author not in ids and brand.id in post.mentions
    ]
    received: dict[str, list[dict[str, Any]]] = {}
    for post in world.posts.values():
        if post.author in ids:
            for whom in post.mentions:
                received.setdefault(world.people[whom].acct, []).append(_shown(world, post))
    return {
        "simulated": True,
        "counts": _counts(world),
        "brands": {brand.acct: _brand(world, brand) for brand in brands},
        "asked": asked,
        "received": received,
    }


def _counts(world: World) -> dict[str, int]:
    return {"people": len(world.people), "posts": len(world.posts), "reposts": len(world.wrappers)}


def _brand(world: World, brand: Person) -> dict[str, Any]:
    return {
        "id": str(brand.id),
        "followers": world.follower_count(brand.id),
        "written": len(world.written(brand.id)),
        "notifications": {kind.value: world.notices.count(brand.id, kind) for kind in Notice},
    }


def _asked(world: World, post: Post, brand: Person) -> dict[str, Any]:
    below = (world.posts[PostId(row)] for row in world.replies(post.id))
    answers = [_shown(world, each) for each in below if each.author == brand.id]
    return {**_shown(world, post), "to": brand.acct, "answers": answers}


def _shown(world: World, post: Post) -> dict[str, Any]:
    return {
        "id": str(post.id),
        "by": world.people[post.author].acct,
        "text": post.text,
        "visibility": post.reach.value,
        "in_reply_to_id": None if post.parent is None else str(post.parent),
        "at": instant(post.arrived_at),
    }
