"""
Uploaded files on their way into a post.
"""

from __future__ import annotations

from dataclasses import replace

from connectors.playground.values import Medium, PersonId, PostId


class NotThere(LookupError):
    """
    Record not found
    """


class NotReady(ValueError):
    """
    Cannot attach files that have not finished processing. Try again in a moment!
    """


class Shelf:
    """
    Files by id. Only the owner may look at one, describe it or attach it, and only until a post has taken it.
    """

    def __init__(self) -> None:
        self._files: dict[int, Medium] = {}

    def add(self, medium: Medium) -> None:
        self._files[medium.id] = medium

    def find(self, medium_id: int) -> Medium | None:
        return self._files.get(medium_id)

    def get(self, medium_id: int) -> Medium:
        return self._files[medium_id]

    def check(self, owner: PersonId, medium_id: int) -> Medium:
        """
        Look at an upload; each look brings an unfinished one a step nearer to being ready.

        Returns:
            The file as it was before this look.
        """
        medium = self._own(owner, medium_id)
        self._files[medium_id] = replace(medium, checks_left=max(0, medium.checks_left - 1))
        return medium

    def describe(self, owner: PersonId, medium_id: int, text: str) -> Medium:
        """
        Change the text for those who cannot see the file.
        """
        self._files[medium_id] = replace(self._own(owner, medium_id), description=text)
        return self._files[medium_id]

    def require(self, owner: PersonId, media: tuple[int, ...]) -> None:
        """
        Make sure that `owner` may attach these files now.

        Raises:
            NotThere: one is gone, somebody else's, or in a post already.
            NotReady: one is unfinished.
        """
        if any(self._own(owner, each).checks_left for each in media):
            raise NotReady

    def attach(self, media: tuple[int, ...], post: PostId) -> None:
        """
        Give files to a post.
        """
        for each in media:
            self._files[each] = replace(self._files[each], post=post)

    def _own(self, owner: PersonId, medium_id: int) -> Medium:
        medium = self._files.get(medium_id)
        if medium is None or medium.owner != owner or medium.post is not None:
            raise NotThere
        return medium
