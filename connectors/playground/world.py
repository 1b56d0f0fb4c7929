"""
The simulated network in memory and everything people can do in it. The time is handed to every verb.

It knows no HTTP: the API, the pages and the crowd all act through the verbs here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.playground.edges import Edges
from connectors.playground.index import Counting, Ids, Rows
from connectors.playground.markup import mentioned_names
from connectors.playground.notices import Notices, Sender, verdict
from connectors.playground.rules import Rules
from connectors.playground.shelf import NotThere, Shelf
from connectors.playground.values import (
    Deleted,
    Event,
    Medium,
    Notice,
    Notification,
    Notified,
    Person,
    PersonId,
    Policy,
    Post,
    Posted,
    PostId,
    Reach,
    Repost,
    Token,
    Verdict,
)


class World:
    """
    People, posts, reposts, follows and notifications, each found by id.

    Args:
        domain: the name of this server, as others would write it (`127.0.0.1:3000`).
        first_notification: number notifications from here, instead of by time.
    """

    def __init__(self, *, domain: str, rules: Rules, first_notification: int | None = None) -> None:
        self.domain = domain
        self.rules = rules
        self.people: dict[PersonId, Person] = {}
        self.posts: dict[PostId, Post] = {}
        self.wrappers: dict[PostId, Repost] = {}
        self.shelf = Shelf()
        self.tokens: dict[str, Token] = {}
        self.policies: dict[PersonId, Policy] = {}
        self.reposts = Edges()
        self.likes = Edges()
        self.follows = Edges()
        self.notices = Notices()
        self.public = Rows()
        self.watchers: list[Callable[[Event], None]] = []
        self._ids = Ids()
        self._notification_ids = self._ids if first_notification is None else Counting(first_notification)
        self._by_acct: dict[str, PersonId] = {}
        self._written: defaultdict[PersonId, Rows] = defaultdict(Rows)
        self._replies: defaultdict[PostId, Rows] = defaultdict(Rows)
        self._keys: dict[tuple[PersonId, str], tuple[PostId, datetime]] = {}

    # -- people

    def join(self, acct: str, *, now: datetime, **about: Any) -> Person:
        """
        Add an account; `about` are the further fields of `Person`.
        """
        username, _, domain = acct.partition("@")
        about.setdefault("created_at", now)
        person = Person(id=PersonId(self._ids.next(now)), username=username, domain=domain or None, **about)
        self.people[person.id] = person
        self._by_acct[person.acct.lower()] = person.id
        return person

    def find_person(self, acct: str) -> Person | None:
        """
        Look an account up by name, with or without this server's own domain.
        """
        name = acct.lower().removeprefix("@").removesuffix(f"@{self.domain}")
        found = self._by_acct.get(name)
        return None if found is None else self.people[found]

    def get_person(self, person_id: int) -> Person:
        """
        Give the account of that id, or raise NotThere.
        """
        try:
            return self.people[PersonId(person_id)]
        except KeyError:
            raise NotThere from None

    def alter(self, person: PersonId, **changes: Any) -> Person:
        """
        Change what an account says about itself.
        """
        self.people[person] = replace(self.people[person], **changes)
        return self.people[person]

    # -- posts

    def write(
        self,
        author: PersonId,
        text: str,
        *,
        now: datetime,
        parent: PostId | None = None,
        media: tuple[int, ...] = (),
        key: str | None = None,
        **more: Any,
    ) -> Post:
        """
        Publish a post; whoever its text mentions is notified, and nobody else.

        Args:
            key: the author's idempotency key; the same key gives the same post again, without a look at the text.
            more: further fields of `Post`.

        Raises:
            NotThere: the parent or a file is gone or not for the author, or the post of that key was deleted.
            NotReady: a file is unfinished.
        """
        known = self.keyed(author, key, now=now)
        if known is not None:
            return known
        above = None if parent is None else self.visible_post(parent, author)
        self.shelf.require(author, media)
        more.setdefault("written_at", now)
        post = Post(
            id=PostId(self._ids.next(now)),
            author=author,
            text=text,
            parent=parent,
            parent_author=above.author if above else None,
            mentions=self._resolve(text, author),
            media=media,
            arrived_at=now,
            **more,
        )
        self._store(post)
        if key is not None:
            self._keys[author, key] = (post.id, now)
        for whom in post.mentions:
            self._notify(whom, Notice.MENTION, by=author, post=post, now=now)
        self._tell(Posted(post=post))
        return post

    def keyed(self, author: PersonId, key: str | None, *, now: datetime) -> Post | None:
        """
        Give the post that the author made with this key, while the key is kept.

        Raises:
            NotThere: it was deleted meanwhile.
        """
        self._forget_keys(now)
        known = self._keys.get((author, key)) if key is not None else None
        return self.get_post(known[0]) if known else None

    def delete(self, post_id: PostId) -> Post:
        """
        Remove a post with its reposts and every notification about it.
        """
        post = self.posts.pop(post_id)
        for wrapper in self.reposts.remove_all(post_id):
            gone = self.wrappers.pop(PostId(wrapper))
            self._written[gone.author].discard(wrapper)
        self.likes.remove_all(post_id)
        self.notices.dismiss_about(post_id)
        self._written[post.author].discard(post_id)
        self.public.discard(post_id)
        if post.parent is not None:
            self._replies[post.parent].discard(post_id)
        for reply in self._replies.pop(post_id, ()):
            self.posts[PostId(reply)] = replace(self.posts[PostId(reply)], parent=None)
        self._tell(Deleted(post=post))
        return post

    def repost(self, who: PersonId, post_id: PostId, *, now: datetime) -> Repost:
        """
        Pass a post on, once per person.

        Raises:
            NotThere: it is not there for `who`, or is not for passing on.
        """
        post = self.visible_post(post_id, who)
        if post.reach is Reach.DIRECT or (post.reach is Reach.PRIVATE and post.author != who):
            raise NotThere
        known = self.reposts.find(who, post_id)
        if known is not None:
            return self.wrappers[PostId(known)]
        wrapper = Repost(id=PostId(self._ids.next(now)), post=post_id, author=who, at=now)
        self.wrappers[wrapper.id] = wrapper
        self.reposts.add(who, post_id, wrapper.id)
        self._written[who].add(wrapper.id)
        self._notify(post.author, Notice.REBLOG, by=who, post=post, now=now)
        return wrapper

    def unrepost(self, who: PersonId, post_id: PostId) -> None:
        """
        Take a repost back; nothing happens where there is none.
        """
        wrapper = self.reposts.remove(who, post_id)
        if wrapper is not None:
            del self.wrappers[PostId(wrapper)]
            self._written[who].discard(wrapper)

    def like(self, who: PersonId, post_id: PostId, *, now: datetime) -> None:
        """
        Favourite a post, once per person.
        """
        post = self.visible_post(post_id, who)
        if self.likes.find(who, post_id) is None:
            self.likes.add(who, post_id, self._ids.next(now))
            self._notify(post.author, Notice.FAVOURITE, by=who, post=post, now=now)

    def unlike(self, who: PersonId, post_id: PostId) -> None:
        """
        Take a favourite back; nothing happens where there is none.
        """
        self.likes.remove(who, post_id)

    def follow(self, who: PersonId, whom: PersonId, *, now: datetime) -> None:
        """
        Follow somebody else, once per pair.
        """
        if who != whom and self.follows.find(who, whom) is None:
            self.follows.add(who, whom, self._ids.next(now))
            self._notify(whom, Notice.FOLLOW, by=who, post=None, now=now)

    def unfollow(self, who: PersonId, whom: PersonId) -> None:
        """
        Stop following; nothing happens where nobody follows.
        """
        self.follows.remove(who, whom)

    # -- files

    def upload(self, owner: PersonId, content: bytes, content_type: str, *, now: datetime, text: str) -> Medium:
        """
        Keep a file until a post takes it.
        """
        medium = Medium(
            id=self._ids.next(now),
            owner=owner,
            content=content,
            content_type=content_type,
            description=text,
            checks_left=self.rules.media_checks,
        )
        self.shelf.add(medium)
        return medium

    # -- questions

    def get_post(self, post_id: PostId) -> Post:
        """
        Give the post of that id, or raise NotThere.
        """
        try:
            return self.posts[post_id]
        except KeyError:
            raise NotThere from None

    def visible_post(self, post_id: PostId, viewer: PersonId | None) -> Post:
        """
        Give a post if `viewer` (None: a stranger without an account) may see it, or raise NotThere.
        """
        post = self.get_post(post_id)
        if not self.may_see(post, viewer):
            raise NotThere
        return post

    def may_see(self, post: Post, viewer: PersonId | None) -> bool:
        """
        Say whether a post is for somebody.
        """
        if post.reach in (Reach.PUBLIC, Reach.UNLISTED) or viewer == post.author or viewer in post.mentions:
            return True
        return post.reach is Reach.PRIVATE and viewer is not None and self.is_following(viewer, post.author)

    def is_following(self, who: PersonId, whom: PersonId) -> bool:
        return self.follows.find(who, whom) is not None

    def follower_count(self, person: PersonId) -> int:
        """
        Count the followers known here and those that the account's own server claims.
        """
        return self.people[person].audience + len(self.follows.into(person))

    def replies(self, post: PostId) -> Rows:
        """
        Give the ids of the posts that answer a post.
        """
        return self._replies.get(post) or Rows()

    def written(self, person: PersonId) -> Rows:
        """
        Give the ids of somebody's posts and reposts.
        """
        return self._written.get(person) or Rows()

    # -- inside

    def _store(self, post: Post) -> None:
        self.posts[post.id] = post
        self._written[post.author].add(post.id)
        if post.reach is Reach.PUBLIC:
            self.public.add(post.id)
        if post.parent is not None:
            self._replies[post.parent].add(post.id)
        self.shelf.attach(post.media, post.id)

    def _resolve(self, text: str, author: PersonId) -> tuple[PersonId, ...]:
        found = (self.find_person(name) for name in mentioned_names(text))
        return tuple(dict.fromkeys(each.id for each in found if each and each.id != author))

    def _notify(self, owner: PersonId, kind: Notice, *, by: PersonId, post: Post | None, now: datetime) -> None:
        if owner == by or self.people[owner].domain is not None:
            return  # other servers notify their own people
        decided = verdict(self.policies.get(owner, Policy()), self._sender(owner, kind, by, post, now))
        if decided is Verdict.DROP:
            return
        new = Notification(
            id=self._notification_ids.next(now),
            owner=owner,
            kind=kind,
            by=by,
            post=post.id if post else None,
            at=now,
            filtered=decided is Verdict.FILTER,
        )
        self.notices.add(new)
        if not new.filtered:
            self._tell(Notified(notification=new))

    def _sender(self, owner: PersonId, kind: Notice, by: PersonId, post: Post | None, now: datetime) -> Sender:
        private = kind is Notice.MENTION and post is not None and post.reach is Reach.DIRECT
        return Sender(
            age=now - self.people[by].created_at,
            limited=self.people[by].limited,
            followed=self.is_following(owner, by),
            follows=self.is_following(by, owner),
            unasked_private=private and post is not None and post.parent_author != owner,
        )

    def _forget_keys(self, now: datetime) -> None:
        while self._keys:
            oldest = next(iter(self._keys))
            if now - self._keys[oldest][1] < self.rules.keeps_keys:
                break
            del self._keys[oldest]

    def _tell(self, event: Event) -> None:
        for watcher in tuple(self.watchers):
            watcher(event)
