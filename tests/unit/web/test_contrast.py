"""
Colours: every pair of tokens that carries text reaches WCAG 2.2 AA, in both themes.
"""

import re

import pytest

from bot.web.assets import STATIC

TEXT = 4.5  # WCAG 2.2, 1.4.3: text below 18 pt
SHAPES = 3.0  # WCAG 2.2, 1.4.11: borders of fields, focus rings

GROUNDS = ["canvas", "surface", "sunken", "hover", "selected"]
PAIRS = [
    *[
        (ink, ground, TEXT)
        for ink in ("ink", "ink-soft", "ink-faint", "accent", "accent-strong")
        for ground in GROUNDS
    ],
    *[(f"{tone}-ink", f"{tone}-soft", TEXT) for tone in ("good", "warn", "bad", "info", "note")],
    *[(f"{tone}-ink", "surface", TEXT) for tone in ("good", "warn", "bad", "info", "note")],
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-strong", TEXT),
    ("on-bad", "bad", TEXT),
    ("accent", "accent-soft", TEXT),
    ("ink", "accent-soft", TEXT),
    ("ink-soft", "accent-soft", TEXT),
    ("ink-faint", "accent-soft", TEXT),
    ("ink", "note-soft", TEXT),
    ("ink-faint", "note-soft", TEXT),
    *[("ink", f"tint-{number}", TEXT) for number in range(6)],
    *[("edge", ground, SHAPES) for ground in ("canvas", "surface", "sunken")],
    *[("accent", ground, SHAPES) for ground in GROUNDS],
    ("note-ink", "note-soft", SHAPES),
    ("bad", "surface", SHAPES),
]


def tokens():
    css = (STATIC / "app.css").read_text("utf-8")
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", css)
    return {name: (light, dark) for name, light, dark in found}


def luminance(colour):
    """
    Weigh a colour as WCAG 2.2 defines relative luminance.
    """
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_is_right():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_words_can_be_read(ink, ground, least, theme):
    colours = tokens()
    assert contrast(colours[ink][theme], colours[ground][theme]) >= least


def test_no_style_names_a_colour_of_its_own():
    css = (STATIC / "app.css").read_text("utf-8")
    rules = css[css.index("/* ---- ground ---- */") :]
    assert re.findall(r"#[0-9a-f]{3,8}\b(?=[^{}]*;)", rules) == []
