"""
`hubbub bench ...`: one command a benchmark; each prints its figures beside a yardstick of the same run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bot.bench import day as day_bench
from bot.bench import queue as queue_bench
from bot.bench.reading import GOLDEN, NoGoldenTextsError
from bot.bench.reading import run as run_reading
from bot.console import JsonOption, explained, fail, print_json, print_table

bench_app = typer.Typer(help="Measure, beside a yardstick in the same run.", no_args_is_help=True)


@bench_app.callback()
def bench() -> None:
    """
    Measure, beside a yardstick in the same run.
    """


@bench_app.command("reading")
def reading(
    golden: Annotated[Path, typer.Option(help="The golden texts of a checkout.")] = GOLDEN,
    json: JsonOption = False,
) -> None:
    """
    How well and how fast messages are read, beside plain TextBlob.
    """
    try:
        figures = run_reading(golden)
    except NoGoldenTextsError as error:
        fail(str(error))
    if json:
        print_json(figures)
        return
    for name, value in figures.items():
        typer.echo(f"{name}: {value}")


@bench_app.command("queue")
def queue(
    conversations: Annotated[int, typer.Option(min=100, help="Open conversations.")] = 1_000_000,
    agents: Annotated[int, typer.Option(min=1, max=200, help="People who look at the queue.")] = 30,
    views: Annotated[int, typer.Option(min=1, max=50, help="Live views of each.")] = 30,
    seconds: Annotated[float, typer.Option(min=3, max=3600, help="How long the load lasts.")] = 60.0,
    times: Annotated[float, typer.Option(min=0.1, help="Times the peak hour of a day of 10,000.")] = 10.0,
    url: Annotated[str | None, typer.Option(help="An empty PostgreSQL database; else an SQLite file.")] = None,
    json: JsonOption = False,
) -> None:
    """
    Views, claims, clocks, poller and outbox over many open conversations, beside the same daemon idle.
    """
    settings = queue_bench.Settings(
        conversations=conversations, agents=agents, views=views, seconds=seconds, times=times, url=url
    )
    figures = explained(lambda: queue_bench.run(settings))
    if json:
        print_json(figures)
        return
    for name, value in figures.items():
        typer.echo(f"{name}: {value}")


@bench_app.command("day")
def day(
    agents: Annotated[int, typer.Option(min=1, max=1000, help="People who answer, from nine to five.")] = 30,
    requests: Annotated[int, typer.Option(min=1, max=1_000_000, help="Questions of the day.")] = 10_000,
    handling: Annotated[float, typer.Option(min=1, max=3600, help="Mean seconds of an answer.")] = 85.0,
    seed: Annotated[int, typer.Option(help="Which day is drawn; the same seed draws the same day.")] = 1,
    url: Annotated[str | None, typer.Option(help="An empty PostgreSQL database; else an SQLite file.")] = None,
    json: JsonOption = False,
) -> None:
    """
    How many promises the same people keep on the same day, by the order of the queue.

    The day goes through the real queue; other inboxes' orders, first-in-first-out and oldest-first, beside ours.
    """
    settings = day_bench.Settings(agents=agents, requests=requests, handling=handling, seed=seed, url=url)
    figures = explained(lambda: day_bench.run(settings, processes=min(4, os.cpu_count() or 1)))
    if json:
        print_json(figures)
        return
    rows = [{"order": name, **result} for name, result in figures["orders"].items()]
    typer.echo(f"{agents} people, {requests} requests, {handling:g} s each: load {figures['load']:.3f}")
    print_table(rows, tuple(rows[0]), json=False)
