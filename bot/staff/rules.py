"""
Who may do what, as one table. Pure.
"""

from __future__ import annotations

from enum import StrEnum


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
    CONTACTS_READ = "contacts.read"
    ACCOUNTS_READ = "accounts.read"
    ACCOUNTS_CHANGE = "accounts.change"
    HEARD_READ = "heard.read"
    HEARD_RETRY = "heard.retry"
    OUTBOX_READ = "outbox.read"
    OUTBOX_CHANGE = "outbox.change"  # cancel, retry, say what became of an unknown one
    STAFF_READ = "staff.read"
    STAFF_CHANGE = "staff.change"
    TOKENS_CHANGE = "tokens.change"
    AUDIT_READ = "audit.read"
    API_DOCS = "api.docs"


P = Permission
_EVERYBODY = frozenset({P.LIVE_FOLLOW, P.OWN_SESSION, P.API_DOCS, P.ACCOUNTS_READ})
_AGENT = _EVERYBODY | {P.CONVERSATIONS_READ, P.CONVERSATIONS_ANSWER, P.CONTACTS_READ, P.OUTBOX_READ}
_LEAD = _AGENT | {
    P.CONVERSATIONS_TAKE_OVER,
    P.HEARD_READ,
    P.HEARD_RETRY,
    P.OUTBOX_CHANGE,
    P.STAFF_READ,
    P.AUDIT_READ,
}
_MARKETER = _EVERYBODY | {P.CONVERSATIONS_READ, P.CONTACTS_READ, P.OUTBOX_READ, P.HEARD_READ}

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
