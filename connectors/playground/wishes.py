"""
Why a simulated person speaks.
"""

from __future__ import annotations

from enum import StrEnum


class Wish(StrEnum):
    """
    What somebody wants when they write; the last three answer something that was said.
    """

    SHIPPING = "shipping"
    STOCK = "stock"
    SIZE = "size"
    REFUND = "refund"
    ORDER = "order"
    COMPLAINT = "complaint"
    BUG = "bug"
    REQUEST = "request"
    PRAISE = "praise"
    PURCHASE = "purchase"
    SPAM = "spam"
    REMARK = "remark"
    THANKS = "thanks"
    AGAIN = "again"
