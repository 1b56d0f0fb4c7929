"""
What stands above and below a post, as far as somebody may see it. Reads the world, changes nothing.
"""

from __future__ import annotations

from connectors.playground.values import PersonId, Post, PostId
from connectors.playground.world import World


def above(world: World, post: Post, viewer: PersonId | None, *, most: int) -> list[Post]:
    """
    List what a post answers, the beginning of the conversation first.
    """
    found: list[Post] = []
    while post.parent is not None and len(found) < most:
        post = world.get_post(post.parent)
        if world.may_see(post, viewer):
            found.append(post)
    return found[::-1]


def below(world: World, post: Post, viewer: PersonId | None, *, most: int) -> list[Post]:
    """
    List what answers a post, each answer followed by its own answers, the oldest first.
    """
    found: list[Post] = []
    waiting = list(world.replies(post.id))[::-1]
    while waiting and len(found) < most:
        each = world.get_post(PostId(waiting.pop()))
        if world.may_see(each, viewer):
            found.append(each)
        waiting.extend(list(world.replies(each.id))[::-1])
    return found
