"""
Learn the weights of learned.tsv from labelled texts. `python -m responses.training` is run by hand, never by the
daemon.

Multinomial logistic regression with an L2 penalty, once over the intents and once over the moods. It is solved in
the texts' own space (one number for each text and class), for there are fewer texts than features. No chance is
involved: the same texts give the same file, which a test holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from responses import learned
from responses.features import features
from responses.learned import BIAS, INTENTS, MOODS, UNIT, worth
from responses.reading import cut
from responses.report import READ_LANGUAGES, GoldenRow, parse_golden
from responses.values import Mood

Matrix = NDArray[np.float64]

LEARNED_HALVES = frozenset({"training", "tuning", "hard"})
"""What may be learned from; the other halves measure."""
FEWEST_TEXTS = 2
"""A feature of fewer texts than this is chance."""
PENALTY = 0.2
"""Chosen by cross-validation over training texts, as are WORTH of learned.py and STEPS."""
BIAS_VARIANCE = 0.05
"""How freely the share of each class may be learned; small, for the shares among our texts are our own choice."""
STEPS = 60

HEADER = """\
# What was learned from tests/golden/training.tsv and the halves "tuning" and "hard" of texts.tsv. Made by
# `python -m responses.training`, never by hand; a test holds that the same texts give the same file.
# Columns: feature (see features.py); weights in hundredths, for the intents {intents}, then for the moods {moods}.
"""


def train(rows: Iterable[GoldenRow]) -> str:
    """
    Return the text of learned.tsv, learned from those rows that may be learned from.
    """
    taken = [row for row in rows if row.half in LEARNED_HALVES and row.language in READ_LANGUAGES]
    found = [features(*cut(row.text)) for row in taken]
    names = sorted(
        name for name, count in Counter(name for one in found for name in one).items() if count >= FEWEST_TEXTS
    )
    texts = _texts(found, names)
    intents = np.array([[row.intent is intent for intent in INTENTS] for row in taken], dtype=float)
    moods = np.array([_shares(row.mood) for row in taken])
    alike = texts @ texts.T
    shares = np.hstack([_fit(alike, intents), _fit(alike, moods)])
    worths = np.sqrt([worth(name) for name in names])
    weights = texts.T @ shares * worths[:, np.newaxis]
    return _file([BIAS, *names], np.vstack([BIAS_VARIANCE * shares.sum(axis=0), weights]))


def _shares(mood: Mood) -> list[float]:
    if mood is Mood.MIXED:
        return [0.5, 0.0, 0.5]
    return [float(mood is one) for one in MOODS]


def _texts(found: Sequence[Iterable[str]], names: Sequence[str]) -> Matrix:
    """
    Return one row for each text, one column for each feature, each row scaled as `learned.weigh` does.
    """
    column = {name: at for at, name in enumerate(names)}
    texts = np.zeros((len(found), len(names)))
    for row, one in enumerate(found):
        for name in one:
            if name in column:
                texts[row, column[name]] = np.sqrt(worth(name))
    lengths: Matrix = np.sqrt(learned.CALM + (texts**2).sum(axis=1, keepdims=True))
    scaled: Matrix = texts / lengths
    return scaled


def _fit(alike: Matrix, truth: Matrix) -> Matrix:
    """
    Return a share for each text and class, by Nesterov's accelerated descent.

    Args:
        alike: the inner products of the texts.
        truth: for each text the share of each class.
    """
    alike = alike + BIAS_VARIANCE
    step = 1 / (0.5 * float(np.linalg.eigvalsh(alike)[-1]) + PENALTY)
    shares = ahead = np.zeros_like(truth)
    for number in range(STEPS):
        odds = alike @ ahead
        odds = np.exp(odds - odds.max(axis=1, keepdims=True))
        error = odds / odds.sum(axis=1, keepdims=True) - truth
        moved = ahead - step * (error + PENALTY * ahead)
        ahead = moved + number / (number + 3) * (moved - shares)
        shares = moved
    return shares


def _file(names: Sequence[str], weights: Matrix) -> str:
    header = HEADER.format(intents=", ".join(INTENTS), moods=", ".join(MOODS))
    rounded = np.rint(weights * UNIT).astype(int)
    rows = [f"{name}\t{' '.join(map(str, row))}" for name, row in zip(names, rounded, strict=True) if row.any()]
    return header + "\n".join(rows) + "\n"


def learn(golden: Path, weights: Path) -> None:
    """
    Write the weights learned from the golden texts of a checkout.

    Args:
        golden: the folder of texts.tsv and training.tsv.
        weights: the file to write.
    """
    files = [golden / name for name in ("training.tsv", "texts.tsv")]
    weights.write_text(
        train(row for file in files for row in parse_golden(file.read_text(encoding="utf-8"))), encoding="utf-8"
    )


if __name__ == "__main__":
    learn(Path("tests/golden"), Path(__file__).parent / "data" / "learned.tsv")
