"""
Generic e-mail inbox: IMAP in, SMTP submission out.

DKIM, SPF and DMARC are the mail provider's job, not ours.
"""

from __future__ import annotations

from connectors.email.connector import EmailConnector, channel
from connectors.email.options import EmailOptions

__all__ = ["EmailConnector", "EmailOptions", "channel"]
