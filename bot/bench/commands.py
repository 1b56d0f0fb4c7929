"""
`hubbub bench ...`: one command a benchmark; each prints its figures beside a yardstick of the same run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.bench.reading import GOLDEN, NoGoldenTextsError
from bot.bench.reading import run as run_reading
from bot.console import JsonOption, fail, print_json

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
