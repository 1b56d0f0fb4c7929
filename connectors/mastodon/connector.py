"""
One account on a server that speaks the Mastodon API: the glue between `protocol.py` and HTTP.

Decides nothing that can be decided without asking a server. It remembers who we are and what the server takes,
for as long as it is open, and nothing else but the files it has uploaded for answers not posted yet.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self, cast
from urllib.parse import urlsplit

import aiohttp
from pydantic import BaseModel

from connectors.base import (
    Checked,
    Cursor,
    Draft,
    Gap,
    Json,
    Media,
    Page,
    Profile,
    Repost,
    Sent,
    Wake,
)
from connectors.errors import (
    Ambiguous,
    Malformed,
    Rejected,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from connectors.http import Answer, Http
from connectors.mastodon import hearing, protocol, sending, streaming
from connectors.mastodon.options import MastodonOptions
from connectors.mastodon.protocol import FROM_THE_START, Instance, Me, Params, Target
from connectors.registry import Channel

MOST_PAGES_BACK: Final = (
    200  # at the first look: 8,000 notifications or more, and under the limit of 300 a quarter
)
MOST_PAGES_LOOKED: Final = 25  # a thousand own posts since a lost answer: more than anybody writes
MOST_PAGES_OF_REPOSTS: Final = 1000
MOST_UPLOADS_KEPT: Final = 64
PROCESSING: Final = timedelta(seconds=5)  # how long to wait before asking again for a file in work


class MastodonConnector:
    """
    Listens, Streams, Replies, Publishes, Finds, KnowsReposts and KnowsFollowers for one account.
    """

    def __init__(self, options: MastodonOptions, session: aiohttp.ClientSession) -> None:
        self._options = options
        self._session = session
        self._credentials = {"Authorization": f"Bearer {options.access_token.get_secret_value()}"}
        self._http = Http(session, options.server, self._credentials)
        self._host = urlsplit(options.server).netloc
        self._known: tuple[Me, Instance] | None = None
        self._uploads: dict[tuple[str, int], str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._uploads.clear()

    def __repr__(self) -> str:
        return f"MastodonConnector({self._options.server!r})"

    # --- who we are

    async def check(self) -> Checked:
        """
        Prove that the token works for reading, and tell what a human should know.
        """
        self._known = None
        me, instance = await self._know()
        await self._http.read("/api/v1/notifications", (("limit", "1"),))
        return Checked(
            profile=me.profile,
            text_limit=instance.length,
            rules=instance.rules,
            warnings=await self._warnings(me),
            facts={"version": instance.version, "domain": instance.domain, "streaming": instance.streaming},
        )

    async def _warnings(self, me: Me) -> tuple[str, ...]:
        warnings = list(protocol.policy_warnings(await self._read_if_there("/api/v2/notifications/policy")))
        if not me.automated:
            warnings.append(
                "The account is not marked as automated; most servers ask for that (Preferences > Profile)."
            )
        warnings += protocol.scope_warnings(await self._read_if_there("/api/v1/apps/verify_credentials"))
        return tuple(warnings)

    async def _read_if_there(self, path: str) -> Json:
        # Servers differ in which of these they have, and refuse them in different words.
        try:
            return (await self._http.read(path)).json()
        except (Rejected, Unauthorized, Malformed):
            return None

    async def profile(self) -> Profile:
        """
        Read our own public figures as they are now.
        """
        _, instance = await self._know()
        return (await self._who(instance.domain)).profile

    async def _know(self) -> tuple[Me, Instance]:
        if self._known is None:
            raw = await self._read_if_there("/api/v2/instance")
            if not isinstance(raw, dict):
                raw = await self._read_if_there("/api/v1/instance")
            instance = protocol.read_instance(raw, self._host)
            self._known = await self._who(instance.domain), instance
        return self._known

    async def _who(self, domain: str) -> Me:
        answer = await self._http.read("/api/v1/accounts/verify_credentials")
        try:
            return protocol.read_me(answer.json(), domain)
        except ValueError as error:
            raise Malformed(f"verify_credentials gave {error}") from error

    # --- hearing

    async def fetch(self, since: Cursor | None, *, now: datetime) -> Page:
        """
        Bring the page right after `since`, oldest first. Without `since`, find where to start.
        """
        if since is None and self._options.hear_since is None:
            found, answer = await self._page((("limit", "1"), ("include_filtered", "true")), now)
            return Page(cursor=Cursor(hearing.newest_id(found) or FROM_THE_START), budget=answer.budget)
        if since is None or since == FROM_THE_START:
            return await self._from_the_start(None if since else self._options.hear_since, now)
        found, answer = await self._page(protocol.notifications_after(since), now)
        new = hearing.after(found, since)
        newest = hearing.newest_id(new)
        return Page(
            items=tuple(one.item for one in new),
            cursor=Cursor(newest) if newest else None,
            more=newest is not None and len(found) >= hearing.FULL_PAGE,
            budget=answer.budget,
        )

    async def _from_the_start(self, start: datetime | None, now: datetime) -> Page:
        """
        Walk back to `start` and bring the oldest page since then; the pages after it come by the ordinary way.
        """
        walk = hearing.Walk(start=start)
        for _ in range(MOST_PAGES_BACK):
            found, answer = await self._page(protocol.notifications_before(walk.older_than), now)
            walk = walk.on(found)
            if walk.done:
                break
        return Page(
            items=walk.items,
            cursor=Cursor(walk.newest or FROM_THE_START),
            more=walk.pages > 1,
            gaps=() if walk.done or start is None else (_gap(start, walk.oldest_at or now),),
            budget=answer.budget,
        )

    async def _page(self, asked: Params, now: datetime) -> tuple[list[hearing.Found], Answer]:
        me, instance = await self._know()
        try:
            answer = await self._http.read("/api/v1/notifications", asked)
            return hearing.read_page(answer.json(), me=me, domain=instance.domain, now=now), answer
        except ValueError as error:
            raise Malformed(f"notifications gave {error}") from error
        except Rejected as error:  # asked for what every such server has: it is not itself at the moment
            raise Malformed(error.detail) from error

    async def listen(self, since: Cursor | None) -> AsyncIterator[Wake | Page]:
        """
        Yield a `Wake` once connected and at every notification, until the connection ends.
        """
        _, instance = await self._know()
        origin = streaming.stream_address(instance.streaming, self._options.server)
        if origin is None:
            raise Unsupported("the server names no streaming address")
        async with aclosing(streaming.listen(self._session, origin, self._credentials)) as wakes:
            async for wake in wakes:
                yield wake

    # --- saying

    async def reply(self, to: Mapping[str, Json], draft: Draft, *, key: str) -> Sent:
        """
        Answer a post, mentioning its author, never more visibly than the post itself.
        """
        return await self._post(draft, _target(to), key)

    async def publish(self, draft: Draft, *, key: str) -> Sent:
        """
        Publish a new post.
        """
        return await self._post(draft, None, key)

    async def _post(self, draft: Draft, to: Target | None, key: str) -> Sent:
        _, instance = await self._know()
        if refusal := sending.refusal(draft, to, instance):
            raise Rejected(refusal)
        media_ids = [await self._media(file, key, place) for place, file in enumerate(draft.media)]
        answer = await self._http.change(
            "POST",
            "/api/v1/statuses",
            body=sending.compose(draft, to, media_ids),
            headers={"Idempotency-Key": key},
        )
        try:
            sent = sending.read_sent(answer.json())
        except (Malformed, ValueError) as error:
            raise Ambiguous("the server accepted, but its answer cannot be read") from error
        self._uploads = {place: id for place, id in self._uploads.items() if place[0] != key}
        return sent

    async def _media(self, file: Media, key: str, place: int) -> str:
        """
        Give the id of an uploaded file that is ready to be attached.

        A server may take its time over a file. The id is kept, so that the next attempt under the same key asks
        for that file instead of uploading it again; a connector opened anew uploads again, which leaves an unused
        file that the server clears away within a day.

        Raises:
            Unreachable: not ready; nothing was posted, the same can be tried again.
            Rejected: the server does not take this file.
        """
        id = self._uploads.get((key, place))
        if id is None:
            id, ready = await self._upload(file)
            self._keep((key, place), id)
            if ready:
                return id
        try:
            answer = await self._http.read(f"/api/v1/media/{id}")
        except Rejected as error:
            del self._uploads[key, place]
            if error.status == 404:
                raise Unreachable(
                    f"the server no longer has {file.name}; it is uploaded anew next time"
                ) from error
            raise Rejected(f"the server could not make use of {file.name}: {error.detail}") from error
        if answer.status == 206:
            raise Unreachable(f"the server is still working on {file.name}", retry_after=PROCESSING)
        return id

    async def _upload(self, file: Media) -> tuple[str, bool]:
        form = aiohttp.FormData()
        form.add_field("file", file.content, filename=file.name, content_type=file.content_type)
        if file.description:
            form.add_field("description", file.description)
        try:
            answer = await self._http.change("POST", "/api/v2/media", form=form)
            return sending.read_upload(answer.json()), answer.status == 200
        except (Ambiguous, ValueError) as error:
            # Whether the file is there does not matter: nothing was posted.
            raise Unreachable(f"{file.name} could not be uploaded") from error

    def _keep(self, place: tuple[str, int], id: str) -> None:
        while len(self._uploads) >= MOST_UPLOADS_KEPT:
            del self._uploads[next(iter(self._uploads))]
        self._uploads[place] = id

    async def find(self, key: str, draft: Draft, *, to: Mapping[str, Json] | None, since: datetime) -> Sent | None:
        """
        Look through our own posts since `since`, and through the answers to the same post, for this draft.

        The server keeps no key to ask for, so the same text under the same post is taken for the same answer.
        """
        me, _ = await self._know()
        target = None if to is None else _target(to)
        path, older_than = f"/api/v1/accounts/{me.id}/statuses", None
        for _ in range(MOST_PAGES_LOOKED):
            try:
                raw = (await self._http.read(path, protocol.own_posts_before(older_than))).json()
            except Rejected as error:
                raise Ambiguous(f"our own posts cannot be looked at: {error.detail}") from error
            look = _look(raw, draft, target, since)
            if look.sent is not None:
                return look.sent
            if look.older_than is None:
                return await self._find_in_thread(draft, target, since, me)
            older_than = look.older_than
        raise Ambiguous("too many posts since then to look through")

    async def _find_in_thread(self, draft: Draft, to: Target | None, since: datetime, me: Me) -> Sent | None:
        # Some servers leave direct posts out of an account's list; the thread has them.
        if to is None:
            return None
        try:
            raw = (await self._http.read(f"/api/v1/statuses/{to.id}/context")).json()
        except Rejected:  # the post is gone, and the list was complete
            return None
        answers = raw.get("descendants") if isinstance(raw, dict) else raw
        return _look(answers, draft, to, since, owner=me.id).sent

    # --- who reposted

    async def reposts(self, of: str, since: Cursor | None) -> AsyncIterator[Repost]:
        """
        List who reposted our post `of`. The server tells no times to start from, so `since` is not used.
        """
        _, instance = await self._know()
        asked: Params = (("limit", str(protocol.PAGE_LIMIT)),)
        for _ in range(MOST_PAGES_OF_REPOSTS):
            answer = await self._http.read(f"/api/v1/statuses/{of}/reblogged_by", asked)
            for repost in protocol.read_reposts(answer.json(), instance.domain):
                yield repost
            asked = protocol.next_page(answer.headers.get("Link", ""))
            if not asked:
                return


def _target(to: Mapping[str, Json]) -> Target:
    try:
        return Target.read(to)
    except ValueError as error:
        raise Rejected(f"cannot answer this: {error}") from error


def _look(raw: Json, draft: Draft, to: Target | None, since: datetime, owner: str | None = None) -> sending.Look:
    try:
        return sending.look_through(raw, draft, to, since, owner)
    except ValueError as error:
        raise Malformed(f"our own posts gave {error}") from error


def _gap(since: datetime, until: datetime) -> Gap:
    return Gap(
        since=since, until=max(since, until), reason="more notifications than can be walked through at a start"
    )


def _open(options: BaseModel, session: aiohttp.ClientSession) -> MastodonConnector:
    return MastodonConnector(cast(MastodonOptions, options), session)


channel: Final = Channel(name="mastodon", title="Mastodon", options=MastodonOptions, open=_open)
"""Mastodon, for `connectors.registry`."""
