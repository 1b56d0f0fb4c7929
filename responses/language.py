"""
Judge the language of a text. Pure; decides, does nothing else.

Scripts speak first: Hangul is Korean, Kana is Japanese, Han is Chinese. Everything else goes to py3langid, behind
a layer of ours that knows short English messages and takes a stated language as evidence. What holds too few
letters, or what py3langid is unsure of, is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from responses import data
from responses.text import HAN, HANGUL, JUDGED_CHARACTERS, KANA, Token
from responses.values import Language

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

FEWEST_LETTERS = 3
"""Shorter Latin text ("ok", "hi") is written in every language."""
SURE_ENOUGH = 0.3
"""Below this probability we say nothing. Chosen on the tuning half of the golden texts."""
STATED = 20.0
"""How much likelier a language is when the network says so: people leave wrong settings standing."""
HINT, MOST_HINTS = 6.0, 3
"""How much likelier English becomes with each hint of hints_en.tsv, and how many are counted."""
ONLY_COMMON = 0.6
"""Our confidence in a text that holds nothing but common English words."""
HAN_WORTH = 2.5
"""Latin letters that say as much as one Chinese character; so that product names do not outvote a sentence."""
SCRIPT_SHARE = 0.4
KANA_SHARE = 0.1
"""Japanese mixes Kana with Han, Chinese never does; a lone の in a shop's name stays below this share."""

NOT_JUDGED = Language(code=None, confidence=0.0, why="too few letters to tell")

_SCRIPTS = {"han": re.compile(f"[{HAN}]"), "kana": re.compile(f"[{KANA}]"), "hangul": re.compile(f"[{HANGUL}]")}
_CHINESE_ONLY = re.compile("[的了吗呢吧们这没你您么请谢嗎們這沒麼請謝]")


def judge_language(text: str, tokens: Sequence[Token], stated: str | None = None) -> Language:
    """
    Judge the language of a text.

    Args:
        tokens: of the judged part of the same text.
        stated: what the network or the mail says, as it stands there ("en-GB", "zh_Hans"); evidence, not truth.
    """
    words = [token.text for token in tokens if token.kind in ("word", "han")]
    letters = " ".join(words)
    base = _base(stated)
    found = _by_script(letters, base) or _by_letters(letters, [token.key for token in tokens], base)
    if len(text) <= JUDGED_CHARACTERS:
        return found
    why = f"{found.why} (judged by the first {JUDGED_CHARACTERS:,} characters)"
    return Language(code=found.code, confidence=found.confidence, why=why)


def _base(stated: str | None) -> str | None:
    base = re.split(r"[-_]", stated.strip().lower(), maxsplit=1)[0] if stated else ""
    return base if re.fullmatch("[a-z]{2,3}", base) else None


def _by_script(letters: str, stated: str | None) -> Language | None:
    counts = {script: len(pattern.findall(letters)) for script, pattern in _SCRIPTS.items()}
    asian = sum(counts.values())
    others = sum(map(str.isalpha, letters)) - asian
    if not asian or asian * HAN_WORTH / (asian * HAN_WORTH + others) < SCRIPT_SHARE:
        return None
    share = round(asian / (asian + max(others, 0)), 2)
    if counts["hangul"] >= asian / 2:
        return Language(code="ko", confidence=share, why="written in Hangul")
    if counts["kana"] >= KANA_SHARE * asian:
        return Language(code="ja", confidence=share, why="written in Kana")
    if stated == "ja" and not _CHINESE_ONLY.search(letters):
        return Language(code="ja", confidence=share / 2, why="Chinese characters only, and stated as Japanese")
    return Language(code="zh", confidence=share, why="written in Chinese characters")


def _by_letters(letters: str, keys: Sequence[str], stated: str | None) -> Language:
    if sum(map(str.isalpha, letters)) < FEWEST_LETTERS:
        return NOT_JUDGED
    words = [key for key in keys if key[0].isalpha()]
    if words and stated in (None, "en") and all(key in _hints("hint") or key in _hints("also") for key in words):
        return Language(code="en", confidence=ONLY_COMMON, why="by nothing but common English words")
    hints = min(sum(key in _hints("hint") for key in words), MOST_HINTS)
    odds = dict(_identifier().rank(letters))
    odds["en"] *= HINT**hints
    if stated in odds:
        odds[stated] *= STATED
    code = max(odds, key=odds.__getitem__)
    sure = odds[code] / sum(odds.values())
    if sure < SURE_ENOUGH or code == "zxx":  # zxx: no linguistic content
        return Language(code=None, confidence=0.0, why="no language stands out")
    return Language(code=code, confidence=round(sure, 2), why=_why(code, hints, stated))


def _why(code: str, hints: int, stated: str | None) -> str:
    reasons = ["its letter groups"]
    if code == "en" and hints:
        reasons.append("common English words")
    if code == stated:
        reasons.append("the language stated with it")
    return "by " + " and ".join(reasons)


@cache
def _hints(kind: str) -> frozenset[str]:
    return frozenset(word for row in data.rows("hints_en.tsv") if row[0] == kind for word in row[1].split())


@cache
def _identifier() -> LanguageIdentifier:
    """
    Load py3langid's model once; it takes half a second.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
