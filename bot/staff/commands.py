"""
`hubbub staff` and `hubbub token`. A password is asked for or read from standard input, never an argument.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

import typer

from bot.console import Console, JsonOption, print_table, run
from bot.core.actor import Actor
from bot.core.paging import Slice
from bot.staff import presence, service
from bot.staff.passwords import prepare_password
from bot.staff.rules import (
    LARGEST_CAPACITY,
    AgentNow,
    Profile,
    Role,
    Staff,
    Token,
    clean_login,
    read_codes,
    read_validity,
)
from bot.staff.sign_in import make_sign_in_link

OPERATOR = Actor(id="operator", name="command line", role="system", kind="system")
"""Whoever may read the configuration may do everything; the audit trail says that it was them."""

LONGEST_SLICE = 200
T = TypeVar("T")

staff_app = typer.Typer(help="People who work here.", no_args_is_help=True)
token_app = typer.Typer(help="Tokens for the API.", no_args_is_help=True)

LoginArgument = Annotated[str, typer.Argument(help="The name they sign in with.")]


@staff_app.command("add")
def add(
    login: LoginArgument,
    name: Annotated[str, typer.Option(help="What others see; the login if left out.")] = "",
    role: Annotated[Role, typer.Option(help="What they are here for.")] = Role.AGENT,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    link: Annotated[bool, typer.Option("--link", help="No password: print a link that signs in once.")] = False,
) -> None:
    """
    Let somebody work here; asks for their password.
    """
    password = None if link else _password(from_stdin=password_stdin)

    async def store(console: Console) -> str:
        hashed = await prepare_password(password, clean_login(login)) if password is not None else None
        async with console.database.write() as work:
            staff = await service.add_staff(
                work, OPERATOR, login=login, name=name or login, role=role, password_hash=hashed
            )
            secret = await make_sign_in_link(work, OPERATOR, staff.id) if link else ""
        return f"{console.settings.base_url}/sign-in/{secret}" if link else f"{staff.login} is {staff.role} now."

    print(run(store))


@staff_app.command("list")
def show(json: JsonOption = False) -> None:
    """
    List everybody, disabled ones too.
    """

    async def read(console: Console) -> list[Staff]:
        return await _all(console, service.list_staff)

    columns = ["login", "name", "role", "has_password", "created_at", "disabled_at", "id"]
    print_table([asdict(one) for one in run(read)], columns, json=json, empty="Nobody yet: hubbub staff add LOGIN")


@staff_app.command("disable")
def disable(login: LoginArgument) -> None:
    """
    Shut somebody out, at once and everywhere.
    """

    async def store(console: Console) -> Staff:
        async with console.database.write() as work:
            return await service.disable_staff(work, OPERATOR, clean_login(login))

    print(f"{run(store).login} is disabled.")


@staff_app.command("enable")
def enable(login: LoginArgument) -> None:
    """
    Let somebody in again.
    """

    async def store(console: Console) -> Staff:
        async with console.database.write() as work:
            return await service.enable_staff(work, OPERATOR, clean_login(login))

    print(f"{run(store).login} is enabled.")


@staff_app.command("presence")
def show_presence(json: JsonOption = False) -> None:
    """
    Show who is here, and what each agent takes.
    """

    async def read(console: Console) -> list[AgentNow]:
        async with console.database.read() as work:
            return await presence.list_agents(work)

    columns = ["name", "login", "presence", "since", *Profile.__slots__]
    rows = [{**asdict(one), **asdict(one.profile)} for one in run(read)]
    print_table(rows, columns, json=json, empty="Nobody answers here yet: hubbub staff add LOGIN")


@staff_app.command("skills")
def set_skills(
    who: Annotated[str, typer.Argument(help="Login of a staff member, or id of a token.")],
    capacity: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_CAPACITY, help="Conversations that wait for them, at once.")
    ] = None,
    languages: Annotated[str | None, typer.Option(help='Codes, "en zh"; "" for all.')] = None,
    accounts: Annotated[str | None, typer.Option(help='Ids of accounts, separated by spaces; "" for all.')] = None,
    intents: Annotated[str | None, typer.Option(help='"question bug"; "" for all.')] = None,
    hand_out: Annotated[
        bool | None, typer.Option("--hand-out/--no-hand-out", help="Whether work comes to them by itself.")
    ] = None,
) -> None:
    """
    Set what an agent takes, and how much at once; what is left out stays as it is.
    """
    given: dict[str, Any] = {
        "capacity": capacity,
        "languages": None if languages is None else read_codes(languages),
        "account_ids": None if accounts is None else tuple(accounts.split()),
        "intents": None if intents is None else read_codes(intents),
        "hand_out": hand_out,
    }
    changes = {name: value for name, value in given.items() if value is not None}

    async def store(console: Console) -> AgentNow:
        async with console.database.write() as work:
            agent = await presence.agent_called(work, who)
            await presence.change_profile(work, OPERATOR, agent.id, replace(agent.profile, **changes))
            return agent

    print(f"Saved for {run(store).name}.")


@token_app.command("create")
def create(
    role: Annotated[Role, typer.Option(help="What the token may do.")],
    name: Annotated[str, typer.Option(help="What it is for.")],
    expires_in: Annotated[str, typer.Option(help='For how long, "90d"; for ever if left out.')] = "",
) -> None:
    """
    Make a token and print it, and nothing else. It is not shown again.
    """
    valid_for = _validity(expires_in)

    async def store(console: Console) -> str:
        async with console.database.write() as work:
            expires_at = work.now + valid_for if valid_for else None
            _, secret = await service.create_token(work, OPERATOR, name=name, role=role, expires_at=expires_at)
        return secret

    print(run(store))


@token_app.command("list")
def show_tokens(json: JsonOption = False) -> None:
    """
    List tokens, those that no longer work too.
    """

    async def read(console: Console) -> list[dict[str, object]]:
        now = console.clock.now()
        return [_row(token, now) for token in await _all(console, service.list_tokens)]

    columns = ["id", "name", "role", "works", "created_at", "created_by", "used_at", "expires_at", "revoked_at"]
    print_table(run(read), columns, json=json, empty="No token yet: hubbub token create")


@token_app.command("revoke")
def revoke(token_id: Annotated[str, typer.Argument(help="The id that `hubbub token list` shows.")]) -> None:
    """
    Make a token useless at once.
    """

    async def store(console: Console) -> Token:
        async with console.database.write() as work:
            return await service.revoke_token(work, OPERATOR, token_id)

    print(f"{run(store).name} no longer works.")


def _row(token: Token, now: datetime) -> dict[str, object]:
    return {**asdict(token), "works": token.works(now)}


async def _all(console: Console, listing: Callable[..., Awaitable[Slice[T]]]) -> list[T]:
    found: list[T] = []
    after = None
    async with console.database.read() as work:
        while True:
            part = await listing(work, limit=LONGEST_SLICE, after=after)
            found.extend(part.items)
            if (after := part.after) is None:
                return found


def _validity(text: str) -> timedelta | None:
    try:
        return read_validity(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--expires-in") from None


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask for the password; use --password-stdin or --link")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
