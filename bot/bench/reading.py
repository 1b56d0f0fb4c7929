"""
Measure how well and how fast messages are read, beside plain TextBlob on the same texts in the same run.

The golden file belongs to the checkout, not to the installed package; elsewhere its path must be given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from responses import read, warm_up
from responses.english import plain_polarity
from responses.report import GoldenRow, accuracy_report, parse_golden

GOLDEN = Path("tests/golden/texts.tsv")
"""Relative to the working directory: the root of a checkout."""
ROUNDS = 5


class NoGoldenTextsError(Exception):
    """
    The golden texts cannot be read.
    """


def run(golden: Path = GOLDEN) -> dict[str, object]:
    """
    Return accuracy by group and texts per second on one core, each beside plain TextBlob's.

    Misses are named only for halves that do not measure (`responses.report.MEASURING`).

    Raises:
        NoGoldenTextsError: names the file and what to do.
    """
    rows = _rows(golden)
    warm_up()
    plain_polarity("warm")
    texts = [row.text for row in rows]
    report = accuracy_report(rows)
    return {
        "golden": str(golden),
        "accuracy": {name: asdict(group) for name, group in report.groups.items()},
        "misses": [asdict(miss) for miss in report.misses],
        "texts_per_second": {"read": _rate(read, texts), "plain_textblob": _rate(plain_polarity, texts)},
    }


def _rows(golden: Path) -> list[GoldenRow]:
    try:
        rows = parse_golden(golden.read_text(encoding="utf-8"))
    except OSError as error:
        raise NoGoldenTextsError(
            f"{golden}: {error.strerror}; run from the root of a checkout or give the path of the golden texts"
        ) from error
    except ValueError as error:
        raise NoGoldenTextsError(f"{golden}: {error}") from error
    if not rows:
        raise NoGoldenTextsError(f"{golden}: holds no texts")
    return rows


def _rate(judge: Callable[[str], object], texts: Sequence[str]) -> int:
    """
    Return texts per second, the best of some rounds, for others may use the machine meanwhile.
    """
    return round(len(texts) / min(_seconds(judge, texts) for _ in range(ROUNDS)))


def _seconds(judge: Callable[[str], object], texts: Sequence[str]) -> float:
    start = time.perf_counter()
    for text in texts:
        judge(text)
    return time.perf_counter() - start
