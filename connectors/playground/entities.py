"""
Things of the network as the JSON that Mastodon shows. Reads the world, changes nothing.
"""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.playground.markup import Mentioned, hashtags, mentioned_names, shortcodes, to_html
from connectors.playground.rules import Rules
from connectors.playground.values import (
    Medium,
    Notification,
    Person,
    PersonId,
    Policy,
    Post,
    Reach,
    Repost,
)
from connectors.playground.world import World

Entity = dict[str, Any]

VERSION = "4.5.0+playground"
MIME_TYPES = ["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "audio/mpeg"]
FILE_LIMIT_BYTES = 16 * 1024 * 1024


def instant(at: datetime) -> str:
    """
    Write an instant as Mastodon does: UTC with milliseconds.
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


class Entities:
    """
    Makes JSON of the values of one world.

    Args:
        base: scheme and authority of this server.
    """

    def __init__(self, world: World, base: str) -> None:
        self._world = world
        self.base = base

    def account(self, person: Person) -> Entity:
        """
        Show an account; its creation is clamped to midnight, as Mastodon does.
        """
        newest = self._world.written(person.id).newest
        return {
            "id": str(person.id),
            "username": person.username,
            "acct": person.acct,
            "display_name": person.name,
            "locked": False,
            "bot": person.bot,
            "discoverable": True,
            "group": False,
            "created_at": person.created_at.strftime("%Y-%m-%dT00:00:00.000Z"),
            "note": f"<p>{html.escape(person.note)}</p>" if person.note else "",
            "url": self.person_url(person),
            "uri": self.person_uri(person),
            "avatar": f"{self.base}/avatars/{person.id}.svg",
            "avatar_static": f"{self.base}/avatars/{person.id}.svg",
            "header": f"{self.base}/header.svg",
            "header_static": f"{self.base}/header.svg",
            "followers_count": self._world.follower_count(person.id),
            "following_count": len(self._world.follows.out_of(person.id)),
            "statuses_count": len(self._world.written(person.id)),
            "last_status_at": _day_of(newest) if newest else None,
            "hide_collections": False,
            "emojis": self._emojis(person.name, person.note),
            "fields": [],
        }

    def own_account(self, person: Person) -> Entity:
        """
        Show an account to its owner.
        """
        source = {
            "privacy": "public",
            "sensitive": False,
            "language": person.language,
            "note": person.note,
            "fields": [],
            "follow_requests_count": 0,
        }
        return {**self.account(person), "source": source}

    def post(self, post: Post, viewer: PersonId | None) -> Entity:
        """
        Show a post; `viewer` has been allowed to see it.
        """
        return {
            "id": str(post.id),
            "created_at": instant(post.written_at),
            "in_reply_to_id": None if post.parent is None else str(post.parent),
            "in_reply_to_account_id": None if post.parent_author is None else str(post.parent_author),
            "sensitive": post.sensitive,
            "spoiler_text": post.spoiler_text,
            "visibility": post.reach.value,
            "language": post.language,
            "uri": self.post_uri(post),
            "url": self.post_url(post),
            "replies_count": len(self._world.replies(post.id)),
            "reblogs_count": len(self._world.reposts.into(post.id)),
            "favourites_count": len(self._world.likes.into(post.id)),
            "quotes_count": 0,
            "edited_at": None,
            "content": self.content(post),
            "reblog": None,
            "application": {"name": "Playground", "website": None},
            "account": self.account(self._world.people[post.author]),
            "media_attachments": [self.medium(self._world.shelf.get(each)) for each in post.media],
            "mentions": [self._mention(self._world.people[each]) for each in post.mentions],
            "tags": [{"name": tag, "url": f"{self.base}/tags/{tag}"} for tag in hashtags(post.text)],
            "emojis": self._emojis(post.text, post.spoiler_text),
            "card": None,
            "poll": None,
            "quote": None,
            **self._marks(post, viewer),
        }

    def _marks(self, post: Post, viewer: PersonId | None) -> Entity:
        if viewer is None:
            return {}
        return {
            "favourited": self._world.likes.find(viewer, post.id) is not None,
            "reblogged": self._world.reposts.find(viewer, post.id) is not None,
            "muted": False,
            "bookmarked": False,
            "pinned": False,
        }

    def repost(self, wrapper: Repost, viewer: PersonId | None) -> Entity:
        """
        Show a repost: a wrapper with an id of its own and no content around the post.
        """
        inner = self.post(self._world.posts[wrapper.post], viewer)
        author = self._world.people[wrapper.author]
        return {
            **inner,
            "id": str(wrapper.id),
            "uri": f"{self.person_uri(author)}/statuses/{wrapper.id}/activity",
            "url": f"{self.person_uri(author)}/statuses/{wrapper.id}/activity",
            "created_at": instant(wrapper.at),
            "account": self.account(author),
            "content": "",
            "in_reply_to_id": None,
            "in_reply_to_account_id": None,
            "media_attachments": [],
            "mentions": [],
            "tags": [],
            "reblog": inner,
        }

    def deleted(self, post: Post, viewer: PersonId) -> Entity:
        """
        Show a post for the last time, with its plain source.
        """
        return {**self.post(post, viewer), "text": post.text}

    def notification(self, notification: Notification) -> Entity:
        """
        Show a notification to its owner.
        """
        post = None if notification.post is None else self._world.posts[notification.post]
        return {
            "id": str(notification.id),
            "type": notification.kind.value,
            "group_key": f"ungrouped-{notification.id}",
            "created_at": instant(notification.at),
            "account": self.account(self._world.people[notification.by]),
            **({"status": self.post(post, notification.owner)} if post else {}),
            **({"filtered": True} if notification.filtered else {}),
        }

    def medium(self, medium: Medium) -> Entity:
        """
        Show an upload; it has no address while it is unfinished.
        """
        url = None if medium.checks_left else f"{self.base}/files/{medium.id}"
        kind = medium.content_type.partition("/")[0]
        return {
            "id": str(medium.id),
            "type": kind if kind in ("image", "video", "audio") else "unknown",
            "url": url,
            "preview_url": url,
            "remote_url": None,
            "meta": {},
            "description": medium.description or None,
            "blurhash": None,
        }

    def content(self, post: Post) -> str:
        """
        Give the HTML of a post.
        """
        if post.html is not None:
            return post.html
        names = ((name, self._world.find_person(name)) for name in mentioned_names(post.text))
        cards = {
            name: Mentioned(url=self.person_url(who), username=who.username)
            for name, who in names
            if who and who.id in post.mentions
        }
        return to_html(post.text, cards, tag_base=f"{self.base}/tags/")

    def person_url(self, person: Person) -> str:
        return f"{self._home(person)}/@{person.username}"

    def person_uri(self, person: Person) -> str:
        return f"{self._home(person)}/users/{person.username}"

    def post_url(self, post: Post) -> str:
        return f"{self.person_url(self._world.people[post.author])}/{post.id}"

    def post_uri(self, post: Post) -> str:
        return f"{self.person_uri(self._world.people[post.author])}/statuses/{post.id}"

    def _home(self, person: Person) -> str:
        return f"https://{person.domain}" if person.domain else self.base

    def _mention(self, person: Person) -> Entity:
        return {
            "id": str(person.id),
            "username": person.username,
            "url": self.person_url(person),
            "acct": person.acct,
        }

    def _emojis(self, *texts: str) -> list[Entity]:
        return [
            {
                "shortcode": code,
                "url": f"{self.base}/emoji/{code}.svg",
                "static_url": f"{self.base}/emoji/{code}.svg",
                "visible_in_picker": True,
            }
            for code in shortcodes(*texts)
        ]


def _day_of(snowflake: int) -> str:
    return (datetime.fromtimestamp(0, tz=UTC) + timedelta(milliseconds=snowflake >> 16)).strftime("%Y-%m-%d")


def policy_entity(policy: Policy, *, diverted: int) -> Entity:
    """
    Show a notification policy as version 2 of its API does.
    """
    return {
        "for_not_following": policy.for_not_following.value,
        "for_not_followers": policy.for_not_followers.value,
        "for_new_accounts": policy.for_new_accounts.value,
        "for_private_mentions": policy.for_private_mentions.value,
        "for_limited_accounts": policy.for_limited_accounts.value,
        "summary": {"pending_requests_count": diverted, "pending_notifications_count": diverted},
    }


def instance_v2(rules: Rules, *, base: str, domain: str) -> Entity:
    """
    Show what this server is and what it allows.
    """
    return {
        "domain": domain,
        "title": "Playground (simulated)",
        "version": VERSION,
        "source_url": base,
        "description": "A simulated network on this machine; nobody here is real.",
        "usage": {"users": {"active_month": 0}},
        "languages": ["en", "zh"],
        "configuration": _configuration(rules, base),
        "registrations": {"enabled": False, "approval_required": False, "message": None},
        "api_versions": {"mastodon": 7},
        "contact": {"email": "nobody@playground.invalid", "account": None},
        "rules": [
            {"id": "1", "text": "Mark automated accounts as bots.", "hint": ""},
            {"id": "2", "text": "Answer only those who spoke to you.", "hint": ""},
        ],
    }


def _configuration(rules: Rules, base: str) -> Entity:
    return {
        "urls": {"streaming": base.replace("http", "ws", 1) if rules.streaming else None},
        "accounts": {"max_featured_tags": 10, "max_pinned_statuses": 5},
        "statuses": {
            "max_characters": rules.max_characters,
            "max_media_attachments": rules.max_media,
            "characters_reserved_per_url": rules.url_characters,
        },
        "media_attachments": {
            "supported_mime_types": MIME_TYPES,
            "description_limit": rules.description_limit,
            "image_size_limit": FILE_LIMIT_BYTES,
            "image_matrix_limit": 33_177_600,
            "video_size_limit": FILE_LIMIT_BYTES,
            "video_frame_rate_limit": 120,
            "video_matrix_limit": 8_294_400,
        },
        "polls": {
            "max_options": 4,
            "max_characters_per_option": 50,
            "min_expiration": 300,
            "max_expiration": 2_629_746,
        },
        "translation": {"enabled": False},
        "limited_federation": False,
    }


def instance_v1(rules: Rules, *, base: str, domain: str) -> Entity:
    """
    Show the same to older clients.
    """
    newer = instance_v2(rules, base=base, domain=domain)
    return {
        "uri": domain,
        "title": newer["title"],
        "short_description": newer["description"],
        "description": newer["description"],
        "email": newer["contact"]["email"],
        "version": VERSION,
        "urls": {"streaming_api": newer["configuration"]["urls"]["streaming"]},
        "stats": {"user_count": 0, "status_count": 0, "domain_count": 0},
        "languages": newer["languages"],
        "registrations": False,
        "configuration": newer["configuration"],
        "rules": newer["rules"],
    }


def reaches(text: str) -> Reach | None:
    """
    Read a visibility; None when there is none of that name.
    """
    return next((each for each in Reach if each.value == text), None)
