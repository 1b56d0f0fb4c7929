"""
Tags and segments: the one form in which a label is kept and compared. Pure; the standard library only.
"""

from __future__ import annotations

import unicodedata

LONGEST_LABEL = 50
SEPARATORS = ",;，；、"
"""Stand between labels where several are typed at once, so none can hold one."""


def clean_label(typed: str) -> str:
    """
    Bring a label into its one form: `"#Refund  Wanted"` and `"refund wanted"` are `"refund-wanted"`.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", typed).casefold())
    return "-".join(folded.split()).lstrip("#-").rstrip("-")


def label_problem(label: str) -> str | None:
    """
    Say what is wrong with a label (already clean), or nothing.
    """
    if not label:
        return "write at least one letter or digit"
    if len(label) > LONGEST_LABEL:
        return f"at most {LONGEST_LABEL} characters; this has {len(label)}"
    if any(letter in SEPARATORS or not letter.isprintable() for letter in label):
        return "use letters, digits and signs on one line, without commas"
    return None


def split_labels(typed: str) -> list[str]:
    """
    Read several labels typed at once, separated by commas, clean and each once.
    """
    plain = typed
    for separator in SEPARATORS:
        plain = plain.replace(separator, ",")
    return list(dict.fromkeys(label for part in plain.split(",") if (label := clean_label(part))))
