"""
Reports on the command line.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bot.console import Console, JsonOption, print_json, print_table, run
from bot.reports import service
from bot.reports.api import outlook_out, sla_out
from bot.reports.foretelling import Outlook, outlook
from bot.reports.service import Asked
from bot.reports.views import sentences, shown_share, shown_time

report_app = typer.Typer(help="How promises were kept, and what the next hours will bring.", no_args_is_help=True)
FromOption = Annotated[str, typer.Option("--from", help="The first day, as in 2026-03-02; a week ago.")]
ToOption = Annotated[str, typer.Option("--to", help="The last day, included; today.")]
ZoneOption = Annotated[str, typer.Option(help="Time zone of the days and hours.")]
HOUR_COLUMNS = ("begins_at", "arrivals", "people", "needed", "kept")
COLUMNS = ("name", "asked", "answered", "share_kept", "p50", "p90", "p95", "p99", "overdue", "running", "dropped")


@report_app.callback()
def report() -> None:
    """
    How promises were kept, and what the next hours will bring.
    """


@report_app.command("sla")
def sla(
    first: FromOption = "",
    last: ToOption = "",
    zone: ZoneOption = "UTC",
    clock: Annotated[str, typer.Option(help="first_response, next_response or resolution.")] = "first_response",
    by: Annotated[str, typer.Option(help="channel, account, agent or intent.")] = "channel",
    json: JsonOption = False,
) -> None:
    """
    Show how a promise was kept: all in all, by hour of the day, and by what you ask for.
    """

    async def read(console: Console) -> Any:
        await service.gather(console.database)
        async with console.database.read() as work:
            asked = Asked(first=first, last=last, zone=zone, clock=clock, by=by)
            return sla_out(await service.sla_report(work, asked))

    found = run(read)
    if json:
        print_json(found.model_dump(mode="json"))
        return
    typer.echo(f"{found.clock}, {found.first_on} to {found.last_on}, {found.zone}")
    parts = [{"name": "all", **found.whole.model_dump()}]
    parts += [one.model_dump() for one in (*found.groups, *found.hours)]
    print_table([_row(part) for part in parts], COLUMNS, json=False)


def _row(part: dict[str, Any]) -> dict[str, object]:
    times = {name: shown_time(part[name]) for name in ("p50", "p90", "p95", "p99")}
    return {**part, **times, "name": part["name"] or "nobody", "share_kept": shown_share(part["share_kept"])}


@report_app.command("forecast")
def forecast(json: JsonOption = False) -> None:
    """
    Say when the first promise is expected to break, and how many more people would keep it.
    """

    async def look(console: Console) -> Outlook:
        return await outlook(console.database, console.settings.queue.first_response)

    found = run(look)
    if json:
        print_json(outlook_out(found).model_dump(mode="json"))
        return
    for sentence in sentences(found):
        typer.echo(sentence)
    print_table([one.model_dump() for one in outlook_out(found).hours], HOUR_COLUMNS, json=False)


@report_app.command("rebuild")
def rebuild() -> None:
    """
    Read the whole event log again; what was gathered from it is thrown away first.
    """

    async def again(console: Console) -> None:
        await service.rebuild(console.database)

    run(again)
    typer.echo("The event log has been read again.")
