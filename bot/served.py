"""
What is served: every module of pages and operations, and the places of the navigation. Lists, no code.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import bot.accounts.api
import bot.accounts.pages
import bot.automation.api
import bot.automation.pages
import bot.contacts.api
import bot.contacts.pages
import bot.feedback.api
import bot.feedback.pages
import bot.hours.api
import bot.hours.pages
import bot.inbox.api
import bot.inbox.bulk_pages
import bot.inbox.order_api
import bot.inbox.order_pages
import bot.inbox.pages
import bot.inbox.policy_api
import bot.inbox.policy_pages
import bot.inbox.reading_api
import bot.inbox.search_pages
import bot.inbox.tag_api
import bot.inbox.tag_pages
import bot.inbox.team_pages
import bot.inbox.view_api
import bot.inbox.view_pages
import bot.inbox.writing_api
import bot.inbox.writing_pages
import bot.outbox.api
import bot.outbox.pages
import bot.replies.acknowledgement_pages
import bot.replies.alike_api
import bot.replies.alike_pages
import bot.replies.api
import bot.replies.macro_pages
import bot.replies.pages
import bot.reports.api
import bot.reports.pages
import bot.staff.api
import bot.staff.entrance_pages
import bot.staff.notice_api
import bot.staff.notice_pages
import bot.staff.pages
import bot.staff.presence_api
import bot.staff.presence_pages
import bot.surveys.api
import bot.surveys.pages
import bot.web.api_docs
import bot.web.set_up
import bot.webhooks.api
import bot.webhooks.pages
from bot.staff.rules import Permission as P
from bot.web.shell import NavEntry
from bot.web.translations import mark

PAGES: Sequence[ModuleType] = (
    bot.inbox.pages,
    bot.inbox.view_pages,
    bot.inbox.search_pages,
    bot.inbox.tag_pages,
    bot.inbox.policy_pages,
    bot.inbox.team_pages,
    bot.inbox.writing_pages,
    bot.replies.pages,
    bot.replies.macro_pages,
    bot.replies.alike_pages,
    bot.replies.acknowledgement_pages,
    bot.inbox.order_pages,
    bot.inbox.bulk_pages,
    bot.outbox.pages,
    bot.contacts.pages,
    bot.hours.pages,
    bot.automation.pages,
    bot.accounts.pages,
    bot.feedback.pages,
    bot.surveys.pages,
    bot.webhooks.pages,
    bot.reports.pages,
    bot.staff.entrance_pages,
    bot.staff.pages,
    bot.staff.presence_pages,
    bot.staff.notice_pages,
    bot.web.api_docs,
    bot.web.set_up,
)
APIS: Sequence[ModuleType] = (
    bot.inbox.api,
    bot.inbox.reading_api,
    bot.inbox.writing_api,
    bot.inbox.view_api,
    bot.inbox.tag_api,
    bot.inbox.order_api,
    bot.inbox.policy_api,
    bot.replies.api,
    bot.replies.alike_api,
    bot.outbox.api,
    bot.contacts.api,
    bot.hours.api,
    bot.automation.api,
    bot.accounts.api,
    bot.feedback.api,
    bot.surveys.api,
    bot.webhooks.api,
    bot.reports.api,
    bot.staff.api,
    bot.staff.presence_api,
    bot.staff.notice_api,
)
NAV = (
    NavEntry(label="Queue", url="/queue", permission=P.CONVERSATIONS_READ),
    NavEntry(label="Search", url="/search", permission=P.CONVERSATIONS_READ),
    NavEntry(label="Team", url="/team", permission=P.STAFF_READ),
    NavEntry(label="Contacts", url="/contacts", permission=P.CONTACTS_READ),
    NavEntry(label="Outbox", url="/outbox", permission=P.OUTBOX_READ),
    NavEntry(label="Feedback", url="/feedback", permission=P.FEEDBACK_READ),
    NavEntry(label="Reports", url="/reports", permission=P.REPORTS_READ, icon="growth"),
    NavEntry(
        label="Replies",
        url="/saved-replies",
        permission=P.CONVERSATIONS_ANSWER,
        icon="reply",
        about=mark("What is answered again and again, so that nothing is written twice."),
    ),
    NavEntry(
        label="Macros",
        url="/macros",
        permission=P.CONVERSATIONS_ANSWER,
        about=mark("Several steps done to a conversation by one choice."),
    ),
    NavEntry(
        label="Acknowledgements",
        url="/acknowledgements",
        permission=P.REPLIES_CHANGE,
        about=mark("What an account says by itself outside its hours."),
    ),
    NavEntry(
        label="Satisfaction",
        url="/surveys",
        permission=P.SURVEYS_READ,
        about=mark("What customers say after a conversation is resolved, and whom we ask."),
    ),
    NavEntry(
        label="Policies",
        url="/policies",
        permission=P.POLICIES_READ,
        about=mark("What customers are promised, and what happens when it is in danger."),
    ),
    NavEntry(
        label="Accounts",
        url="/accounts",
        permission=P.ACCOUNTS_READ,
        about=mark("Our logins on the networks, and how well we hear there."),
    ),
    NavEntry(
        label="Heard",
        url="/heard",
        permission=P.HEARD_READ,
        about=mark("Everything that came in, and what became of it."),
    ),
    NavEntry(
        label="Rules",
        url="/rules",
        permission=P.RULES_CHANGE,
        about=mark("What Hubbub does by itself when something happens."),
    ),
    NavEntry(
        label="Hours",
        url="/hours",
        permission=P.HOURS_CHANGE,
        about=mark("When we are open, with holidays and extra days."),
    ),
    NavEntry(
        label="Webhooks",
        url="/webhooks",
        permission=P.WEBHOOKS_READ,
        about=mark("Which other programs are told what happens here."),
    ),
    NavEntry(
        label="Staff", url="/staff", permission=P.STAFF_READ, about=mark("Who works here, their roles and skills.")
    ),
    NavEntry(label="Audit", url="/audit", permission=P.AUDIT_READ, about=mark("Who changed what, and when.")),
    NavEntry(
        label="API", url="/api", permission=P.API_DOCS, about=mark("What programs can do, and how they sign in.")
    ),
)
TEMPLATE_PACKAGES = (
    "bot.web",
    "bot.inbox",
    "bot.replies",
    "bot.reports",
    "bot.outbox",
    "bot.contacts",
    "bot.hours",
    "bot.automation",
    "bot.accounts",
    "bot.feedback",
    "bot.surveys",
    "bot.webhooks",
    "bot.staff",
)
