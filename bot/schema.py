"""
Every table of the house in one metadata, for tests and for writing migrations.
"""

from __future__ import annotations

from sqlmodel import SQLModel

import bot.accounts.tables
import bot.automation.tables
import bot.contacts.tables
import bot.core.tables
import bot.feedback.tables
import bot.hours.tables
import bot.inbox.order_tables
import bot.inbox.tables
import bot.inbox.view_tables
import bot.outbox.tables
import bot.replies.tables
import bot.reports.tables
import bot.staff.tables
import bot.surveys.tables
import bot.web.tables
import bot.webhooks.tables

METADATA = SQLModel.metadata

__all__ = ["METADATA", "bot"]
