"""
Everybody's notifications, and the policy that diverts or drops those of strangers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from connectors.playground.index import Cut, Rows, merged_page
from connectors.playground.values import Notice, Notification, PersonId, Policy, PostId, Verdict

NEW_ACCOUNT = timedelta(days=30)
"""How young an account is new to `for_new_accounts` (mastodon, app/services/notify_service.rb)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """
    What a policy asks about somebody who causes a notification; both ways of following are seen from the owner.
    """

    age: timedelta
    limited: bool
    followed: bool
    follows: bool
    unasked_private: bool


def verdict(policy: Policy, sender: Sender) -> Verdict:
    """
    Decide what a policy does with a sender. Pure; whom the owner follows is always let through.
    """
    if sender.followed:
        return Verdict.ACCEPT
    asked = (
        (True, policy.for_not_following),
        (not sender.follows, policy.for_not_followers),
        (sender.age < NEW_ACCOUNT, policy.for_new_accounts),
        (sender.unasked_private, policy.for_private_mentions),
        (sender.limited, policy.for_limited_accounts),
    )
    said = {each for applies, each in asked if applies}
    return next((each for each in (Verdict.DROP, Verdict.FILTER) if each in said), Verdict.ACCEPT)


class Notices:
    """
    Notifications by owner and kind, so that a page of one kind never looks at the others.
    """

    def __init__(self) -> None:
        self._all: dict[int, Notification] = {}
        self._rows: defaultdict[tuple[PersonId, Notice, bool], Rows] = defaultdict(Rows)
        self._about: defaultdict[PostId, list[int]] = defaultdict(list)

    def add(self, new: Notification) -> None:
        self._all[new.id] = new
        self._rows[new.owner, new.kind, new.filtered].add(new.id)
        if new.post is not None:
            self._about[new.post].append(new.id)

    def find(self, notification: int) -> Notification | None:
        return self._all.get(notification)

    def dismiss(self, notification: int) -> None:
        """
        Remove a notification; nothing happens where there is none.
        """
        gone = self._all.pop(notification, None)
        if gone is not None:
            self._rows[gone.owner, gone.kind, gone.filtered].discard(notification)

    def dismiss_about(self, post: PostId) -> None:
        """
        Remove what was said about a post that is gone.
        """
        for notification in self._about.pop(post, ()):
            self.dismiss(notification)

    def clear(self, owner: PersonId) -> None:
        """
        Remove all of somebody's notifications.
        """
        mine = [row for (who, _, _), rows in self._rows.items() if who == owner for row in rows]
        for notification in mine:
            self.dismiss(notification)

    def page(self, owner: PersonId, cut: Cut, kinds: Iterable[Notice], *, filtered: bool) -> list[Notification]:
        """
        Give a page of somebody's notifications of these kinds, newest first; `filtered` brings the diverted too.
        """
        sides = (False, True) if filtered else (False,)
        rows = [self._rows[owner, kind, side] for kind in kinds for side in sides]
        return [self._all[each] for each in merged_page(rows, cut)]

    def count(self, owner: PersonId, kind: Notice) -> int:
        """
        Count notifications of a kind, the diverted included.
        """
        return len(self._rows[owner, kind, False]) + len(self._rows[owner, kind, True])

    def diverted(self, owner: PersonId) -> int:
        """
        Count what the policy keeps aside.
        """
        return sum(len(self._rows[owner, kind, True]) for kind in Notice)
