"""
Who may do what, as one table; who is here; what a login, a password and a try to sign in must be like. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.actor import Actor
from bot.core.units import read_duration


class Role(StrEnum):
    """
    What a person or a token is here for.
    """

    AGENT = "agent"  # answers
    LEAD = "lead"  # answers, sees to it that others can
    MARKETER = "marketer"  # publishes
    ADMIN = "admin"  # everything


class Permission(StrEnum):
    """
    One thing that somebody may do.
    """

    LIVE_FOLLOW = "live.follow"
    OWN_SESSION = "own.session"  # sign out, own profile
    CONVERSATIONS_READ = "conversations.read"
    CONVERSATIONS_ANSWER = "conversations.answer"
    CONVERSATIONS_TAKE_OVER = "conversations.take-over"  # act on what another agent has claimed
    POLICIES_READ = "policies.read"
    POLICIES_CHANGE = "policies.change"  # what is promised, and what happens when it is in danger
    REPLIES_CHANGE = "replies.change"  # saved replies, macros and acknowledgements that everybody uses
    CONTACTS_READ = "contacts.read"
    CONTACTS_CHANGE = "contacts.change"  # segments, block and unblock
    ACCOUNTS_READ = "accounts.read"
    ACCOUNTS_CHANGE = "accounts.change"
    HEARD_READ = "heard.read"
    HEARD_RETRY = "heard.retry"
    OUTBOX_READ = "outbox.read"
    OUTBOX_CHANGE = "outbox.change"  # cancel, retry, say what became of an unknown one
    RULES_CHANGE = "rules.change"  # what is done by itself when something happens; read with conversations
    HOURS_CHANGE = "hours.change"  # business hours, their extra days and feeds; read with conversations
    STAFF_READ = "staff.read"
    STAFF_CHANGE = "staff.change"
    STAFF_SKILLS = "staff.skills"  # what each agent takes, and how much at once
    TOKENS_CHANGE = "tokens.change"
    AUDIT_READ = "audit.read"
    REPORTS_READ = "reports.read"  # how promises were kept, by agent too; and what the next hours bring
    API_DOCS = "api.docs"
    SURVEYS_READ = "surveys.read"
    SURVEYS_CHANGE = "surveys.change"  # whether and when the customers of an account are asked
    FEEDBACK_READ = "feedback.read"
    FEEDBACK_CHANGE = "feedback.change"  # rename, merge, hide and send out topics; products
    WEBHOOKS_READ = "webhooks.read"
    WEBHOOKS_CHANGE = "webhooks.change"  # add, change, stop, remove; test and send again


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """
    Somebody who works here, without their secrets.

    Args:
        ui_language: of the pages; empty: as the browser asks.
    """

    id: str
    login: str
    name: str
    role: str
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None
    ui_language: str = ""

    def actor(self) -> Actor:
        return Actor(id=self.id, name=self.name, role=self.role, kind="staff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """
    An API token, without its secret.
    """

    id: str
    name: str
    role: str
    created_at: datetime
    created_by: str
    used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None

    def actor(self) -> Actor:
        return Actor(id=self.id, name=self.name, role=self.role, kind="token")

    def works(self, now: datetime) -> bool:
        """
        Say whether it still opens the API.
        """
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class Presence(StrEnum):
    """
    Whether somebody can be given work. The first three a person chooses; offline is what silence means.
    """

    HERE = "here"
    BUSY = "busy"  # at work, but nothing new
    AWAY = "away"  # back soon
    OFFLINE = "offline"


CHOICES = (Presence.HERE, Presence.BUSY, Presence.AWAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """
    What an agent takes: so many conversations at once, and of which kinds (empty: of every kind).
    """

    capacity: int = 5
    languages: tuple[str, ...] = ()
    account_ids: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    hand_out: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentNow:
    """
    Somebody who answers, as they are at an instant.

    Args:
        login: of a staff member; empty for a token.
        since: when their presence last changed; None when they were never here.
    """

    id: str
    name: str
    login: str
    role: str
    presence: Presence
    since: datetime | None
    profile: Profile

    def actor(self) -> Actor:
        return Actor(id=self.id, name=self.name, role=self.role, kind="staff" if self.login else "token")


P = Permission
_EVERYBODY = frozenset({P.LIVE_FOLLOW, P.OWN_SESSION, P.API_DOCS, P.ACCOUNTS_READ})
_AGENT = _EVERYBODY | {
    P.CONVERSATIONS_READ,
    P.CONVERSATIONS_ANSWER,
    P.POLICIES_READ,
    P.CONTACTS_READ,
    P.CONTACTS_CHANGE,
    P.OUTBOX_READ,
}
_LEAD = _AGENT | {
    P.CONVERSATIONS_TAKE_OVER,
    P.POLICIES_CHANGE,
    P.REPLIES_CHANGE,
    P.HEARD_READ,
    P.HEARD_RETRY,
    P.OUTBOX_CHANGE,
    P.RULES_CHANGE,
    P.HOURS_CHANGE,
    P.STAFF_READ,
    P.STAFF_SKILLS,
    P.AUDIT_READ,
    P.WEBHOOKS_READ,
    P.SURVEYS_READ,
    P.SURVEYS_CHANGE,
    P.REPORTS_READ,
    P.FEEDBACK_READ,
    P.FEEDBACK_CHANGE,
}
_MARKETER = _EVERYBODY | {
    P.CONVERSATIONS_READ,
    P.CONTACTS_READ,
    P.OUTBOX_READ,
    P.HEARD_READ,
    P.SURVEYS_READ,
    P.FEEDBACK_READ,
    P.FEEDBACK_CHANGE,
}

MAY: dict[Role, frozenset[Permission]] = {
    Role.AGENT: frozenset(_AGENT),
    Role.LEAD: frozenset(_LEAD),
    Role.MARKETER: frozenset(_MARKETER),
    Role.ADMIN: frozenset(Permission),
}


def may(role: str, permission: str) -> bool:
    """
    Say whether a role includes a permission; an unknown role includes none, the daemon itself all.
    """
    if role == "system":
        return True
    return role in set(Role) and permission in MAY[Role(role)]


SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
LONGEST_NAME = 100
LONGEST_VALID = timedelta(days=3650)
ADDRESS_FACTOR = 4
"""An office shares one address: it may fail this many times as often as one login before all of it waits."""
_LOGIN = re.compile(r"[\w.@+-]{1,64}")


def clean_login(typed: str) -> str:
    """
    Bring what was typed into the form in which logins are kept and compared.
    """
    return unicodedata.normalize("NFKC", typed).strip().lower()


def login_problem(login: str) -> str | None:
    """
    Say what is wrong with a new login (already clean), or nothing.
    """
    if _LOGIN.fullmatch(login):
        return None
    return "use 1 to 64 letters, digits and . _ - + @"


def name_problem(name: str) -> str | None:
    """
    Say what is wrong with a name, of a person or of a token, or nothing.
    """
    if not name.strip():
        return "must not be empty"
    return f"at most {LONGEST_NAME} characters" if len(name) > LONGEST_NAME else None


def password_problem(password: str, login: str) -> str | None:
    """
    Say what is wrong with a new password, or nothing. Length is what counts; no kinds of characters are asked for.
    """
    if len(password) < SHORTEST_PASSWORD:
        return f"at least {SHORTEST_PASSWORD} characters"
    if len(password) > LONGEST_PASSWORD:
        return f"at most {LONGEST_PASSWORD} characters"
    if clean_login(password) == login:
        return "must not be the name you sign in with"
    return None


def role_problem(role: str) -> str | None:
    """
    Say what is wrong with a role's name, or nothing.
    """
    return None if role in set(Role) else f"one of {', '.join(Role)}"


def read_validity(text: str) -> timedelta | None:
    """
    Read for how long a token is wanted, `"90d"`; nothing means for ever.

    Raises:
        ValueError: it is no duration, or too long to be meant.
    """
    if not text.strip():
        return None
    valid_for = read_duration(text)
    if not timedelta(0) < valid_for <= LONGEST_VALID:
        raise ValueError("must be more than nothing and at most 3650d; leave it out for ever")
    return valid_for


def expiry_problem(expires_at: datetime | None, now: datetime) -> str | None:
    """
    Say what is wrong with the instant at which a token ends, or nothing.
    """
    if expires_at is None or now < expires_at <= now + LONGEST_VALID:
        return None
    return "must be in the future, by ten years at most; leave it out for ever"


def wait_before_sign_in(
    failed_at: Iterable[datetime], *, attempts: int, per: timedelta, now: datetime
) -> timedelta | None:
    """
    Say how long to wait until another try is allowed; None: try now.

    Args:
        failed_at: when tries failed, in any order.
        attempts: how many may fail within `per`.
    """
    recent = sorted(at for at in failed_at if at > now - per)
    return recent[-attempts] + per - now if len(recent) >= attempts else None


LARGEST_CAPACITY = 1_000
MOST_SKILLS = 200
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_WORD = re.compile(r"[\w.-]{1,100}")


def first_choice(role: str) -> Presence:
    """
    Say what somebody is until they choose: agents come to answer, others come to look.
    """
    return Presence.HERE if role == Role.AGENT else Presence.AWAY


def presence_of(chosen: str, *, alive_until: datetime | None, idle_at: datetime | None, now: datetime) -> Presence:
    """
    Say whether somebody is here: what they chose, unless their pages fell silent or they left the desk.
    """
    if alive_until is None or alive_until <= now:
        return Presence.OFFLINE
    if chosen == Presence.HERE and idle_at is not None and idle_at <= now:
        return Presence.AWAY
    return Presence(chosen)


def drifted_at(
    told: str, chosen: str, *, alive_until: datetime | None, idle_at: datetime | None, now: datetime
) -> datetime | None:
    """
    Say when time alone made somebody's presence another than the log knows; None when the log is right.
    """
    presence = presence_of(chosen, alive_until=alive_until, idle_at=idle_at, now=now)
    if presence == told:
        return None
    return (alive_until if presence is Presence.OFFLINE else idle_at) or now


def read_codes(typed: str) -> tuple[str, ...]:
    """
    Read codes of languages or intents as people type them: `"EN, zh"`.
    """
    return tuple(dict.fromkeys(typed.replace(",", " ").replace(";", " ").casefold().split()))


def profile_problems(profile: Profile) -> dict[str, str]:
    """
    Say what is wrong with a work profile, by field.
    """
    problems = {}
    if not 0 <= profile.capacity <= LARGEST_CAPACITY:
        problems["capacity"] = f"a whole number from 0 to {LARGEST_CAPACITY:,}"
    if not all(_LANGUAGE.fullmatch(code) for code in profile.languages):
        problems["languages"] = 'language codes such as "en" or "zh", separated by spaces; none means all'
    for name, values in (("account_ids", profile.account_ids), ("intents", profile.intents)):
        if not all(_WORD.fullmatch(value) for value in values):
            problems[name] = "ids of what exists; none means all"
    for name in ("languages", "account_ids", "intents"):
        if len(getattr(profile, name)) > MOST_SKILLS:
            problems[name] = f"at most {MOST_SKILLS}"
    return problems
