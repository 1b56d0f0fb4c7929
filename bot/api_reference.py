"""
Write the references of the API and of permissions from the operations, the pages and the table of roles.

`python -m bot.api_reference` writes both; a test compares them with what is in the repository. The whole truth
about bodies and answers is the OpenAPI document of a running daemon; this is the list to read first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bot.web.live
from bot.core.errors import HubbubError
from bot.served import APIS, PAGES
from bot.staff.rules import MAY, Permission, Role
from bot.web.operations import ANSWER_KEPT, Operation, PageQuery, operations
from bot.web.pages import PageRoute, page_routes
from bot.web.problems import PROBLEM_TYPE

ROOT = Path(__file__).parents[1]
API_REFERENCE = Path("docs/reference/api.md")
PERMISSION_REFERENCE = Path("docs/reference/permissions.md")
WRITTEN = "<!-- Written by `make docs` from the code; change it there. -->"

API_HEAD = f"""\
# API

{WRITTEN}

Everything is under `/api/v1`. The OpenAPI 3.1 document of the daemon you run is at `/api/v1/openapi.json`, made
from the types of the operations themselves; the page `/api` shows it to people who are signed in.

## Signing in

Send `Authorization: Bearer TOKEN`. [`hubbub token create`](commands.md) makes a token, the page `/tokens` too;
it is shown once and stored as a hash. A token has a role, like a person, and may do [what that role
may](permissions.md).

## Bodies

JSON in UTF-8. Unknown fields, wrong types and NUL characters are refused, and every problem is named. Instants
are ISO 8601 with a time zone. A body larger than [`http.max_body`](settings.md) is refused with 413.

## Listings

A listing answers `{{"items": [...], "after": "..."}}`. Ask again with `?after=` and that mark for the next page;
`after` is null on the last one. `limit` is {PageQuery().limit} unless you say otherwise, 200 at the most. Marks
are opaque: rows that are added or go meanwhile neither shift a page nor repeat a row.

## Idempotency-Key

Every POST takes a header `Idempotency-Key`: 1 to 200 printable ASCII characters without spaces. The same request
with the same key is carried out once; repeated within {ANSWER_KEPT.days * 24} hours, it gets the first answer
again, with `Idempotency-Replayed: true`. The same key with another body or address is a conflict (409), and so
is a repeated request whose answer held a secret. A request that failed left nothing behind, so it may be
repeated with its key. Keys of one token do not meet those of another.

## Rate

There is no limit of ours on operations. What leaves for a network obeys that network's limits, in the outbox.

## Problems

An error is `{PROBLEM_TYPE}` (RFC 9457): `type`, `title`, `status`, and if there is something to say `detail`,
`instance` and `errors`, a list of `pointer` and `detail`. Rely on `type`; the words may change.

| type | status | title |
|---|---|---|
"""

# Made where no error of ours is raised; bot/web/problems.py and middleware.py have the words.
OTHER_PROBLEMS = """\
| `urn:hubbub:problem:http-404` | 404 | There is nothing at this address. |
| `urn:hubbub:problem:http-405` | 405 | This address does not take that method. |
| `urn:hubbub:problem:http-413` | 413 | The body is too large. |
| `urn:hubbub:problem:away` | 503 | The database does not answer; nothing was changed. See `Retry-After`. |
| `urn:hubbub:problem:broken` | 500 | Something broke. (`detail` has the number to look for in the log) |
"""

PERMISSION_HEAD = f"""\
# Permissions

{WRITTEN}

A person and a token have one role each. A role is a set of permissions, and every page, form and operation asks
for exactly one. Commands ask for none: whoever can read the settings and the key may do everything.

An agent may change a conversation that nobody has or that they have claimed; `conversations.take-over` allows it
on any.

"""


def all_operations() -> list[Operation]:
    """
    List every operation of this build.
    """
    return [op for module in APIS for op in operations(module)]


def all_pages() -> list[PageRoute]:
    """
    List every page and form of this build.
    """
    return [route for module in (bot.web.live, *PAGES) for route in page_routes(module)]


def api_reference() -> str:
    """
    Write what is the same for all operations, then a table for each tag.
    """
    return API_HEAD + "".join(_problems()) + OTHER_PROBLEMS + "".join(_tags())


def permission_reference() -> str:
    """
    Write the table of roles, then what each permission opens.
    """
    roles = list(Role)
    lines = [f"| permission | {' | '.join(roles)} |\n", f"|---|{'---|' * len(roles)}\n"]
    lines += [f"| `{one}` | {' | '.join(_mark(role, one) for role in roles)} |\n" for one in Permission]
    opens = ["\n## What each opens\n\n", "| permission | pages and forms | operations |\n|---|---|---|\n"]
    return PERMISSION_HEAD + "".join([*lines, *opens, *map(_opens, Permission)])


def _problems() -> Iterator[str]:
    kinds = sorted(HubbubError.__subclasses__(), key=lambda kind: (kind.status, kind.code))
    for kind in kinds:
        if "code" in vars(kind):
            yield f"| `urn:hubbub:problem:{kind.code}` | {kind.status} | {kind.title()} |\n"


def _tags() -> Iterator[str]:
    ops = all_operations()
    for tag in dict.fromkeys(op.tag for op in ops):
        yield f"\n## {tag}\n\n| operation | | permission |\n|---|---|---|\n"
        yield from (
            f"| `{op.method} {op.url}` | {op.summary} | `{op.permission}` |\n" for op in ops if op.tag == tag
        )


def _mark(role: Role, permission: Permission) -> str:
    return "yes" if permission in MAY[role] else "-"


def _opens(permission: Permission) -> str:
    pages = [f"`{route.method} {route.url}`" for route in all_pages() if route.permission == permission]
    ops = [f"`{op.method} {op.url}`" for op in all_operations() if op.permission == permission]
    return f"| `{permission}` | {'<br>'.join(pages)} | {'<br>'.join(ops)} |\n"


def main() -> None:
    """
    Write both files into the repository.
    """
    (ROOT / API_REFERENCE).write_text(api_reference())
    (ROOT / PERMISSION_REFERENCE).write_text(permission_reference())


if __name__ == "__main__":
    main()
