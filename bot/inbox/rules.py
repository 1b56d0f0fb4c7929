"""
What the queue decides: states, promises, order, and who may act. Pure.

The life of a conversation::

    (heard) -> open --resolve--> resolved --new message, reopen--> open
               open --pending--> pending  --new message, reopen--> open    we wait for the customer
               open --snooze---> snoozed  --new message, its time--> open  we wait for a moment

The life of a clock: it starts with a message that waits for an answer, runs once whatever follows, pauses while we
wait for the customer, and stops when the receipt of a person's answer arrives (`kept`, `breached`) or when the
conversation is resolved without one (`dropped`). An answer written by a machine stops nothing. The clock of the
resolution runs from the first message until the conversation is resolved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    """
    Where a conversation is.
    """

    OPEN = "open"
    PENDING = "pending"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class ClockKind(StrEnum):
    """
    Which promise a clock measures.
    """

    FIRST_RESPONSE = "first_response"  # to the first message of a conversation, or of a re-opened one
    NEXT_RESPONSE = "next_response"  # to a message after we have answered
    RESOLUTION = "resolution"  # from the first message, or the one that re-opened it, until it is resolved


RESPONSES = (ClockKind.FIRST_RESPONSE, ClockKind.NEXT_RESPONSE)
"""The clocks that an answer stops."""


class Outcome(StrEnum):
    """
    How a clock ended.
    """

    RUNNING = "running"
    KEPT = "kept"
    BREACHED = "breached"
    DROPPED = "dropped"


class EventKind(StrEnum):
    """
    What the event log of a conversation knows. Every figure of the reports can be computed again from it.
    """

    OPENED = "opened"
    MESSAGE_IN = "message_in"  # message_id, automatic
    REOPENED = "reopened"  # was: the state before
    CLAIMED = "claimed"  # how: "" by hand, "next" or "handed out"
    RELEASED = "released"
    HANDED_OVER = "handed_over"  # to, to_id
    LEASE_RAN_OUT = "lease_ran_out"  # agent_id, agent, why: lease, offline, not here or full
    SNOOZED = "snoozed"  # until
    WOKE = "woke"
    PENDING = "pending"
    RESOLVED = "resolved"
    REPLIED = "replied"  # message_id, automatic: the answer was prepared
    ANSWERED = "answered"  # by, by_id, message_id, automatic, at: the answer has arrived
    ANSWER_REFUSED = "answer_refused"  # reason
    ANSWER_UNKNOWN = "answer_unknown"  # reason
    BOUNCED = "bounced"
    CLOCK_STARTED = "clock_started"  # clock_id, clock, started_at, due_at, policy_id, policy, seconds
    CLOCK_PAUSED = "clock_paused"  # clock_id, clock
    CLOCK_RESUMED = "clock_resumed"  # clock_id, clock, due_at
    CLOCK_MOVED = "clock_moved"  # clock_id, clock, due_at, policy_id, policy, seconds, why
    CLOCK_WARNED = "clock_warned"  # clock_id, clock, share, due_at
    CLOCK_BREACHED = "clock_breached"  # clock_id, clock, due_at: the true time; `at` is when it was recorded
    CLOCK_STOPPED = "clock_stopped"  # clock_id, clock, outcome, started_at, due_at, at
    ESCALATED = "escalated"  # what was done, and why
    TAGGED = "tagged"  # tag
    UNTAGGED = "untagged"  # tag
    MERGED = "merged"  # into, merge_id: its messages went there
    TOOK_IN = "took_in"  # source, merge_id, messages
    SPLIT = "split"  # into, split_id, messages
    REARRANGEMENT_UNDONE = "rearrangement_undone"  # what: merge or split, undone_id
    SPAM = "spam"
    NOT_SPAM = "not_spam"
    PRIORITY_SET = "priority_set"  # was, to: by a person, a macro or a rule


QUIET_EVENTS = frozenset(
    {
        EventKind.MESSAGE_IN,  # the message itself stands in the timeline
        EventKind.REPLIED,
        EventKind.ANSWERED,
        EventKind.CLOCK_STARTED,  # the head shows what runs
        EventKind.CLOCK_PAUSED,
        EventKind.CLOCK_RESUMED,
        EventKind.CLOCK_STOPPED,
    }
)
"""What the timeline leaves out."""


class Tab(StrEnum):
    """
    The lists of the queue page.
    """

    WAITING = "waiting"
    UNCLAIMED = "unclaimed"
    MINE = "mine"
    PENDING = "pending"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """
    How fast we answer where no policy says otherwise, and how long an answer that cannot leave is still worth
    sending.

    Args:
        warn_shares: of the time promised, at which somebody is warned.
    """

    first_response: timedelta
    grace: timedelta
    warn_shares: tuple[float, ...] = (0.5, 0.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnoozeChoice:
    """
    One offer of the snooze menu: `value` goes back in the form, seconds from now.
    """

    label: str
    value: str


SNOOZE_CHOICES = (
    SnoozeChoice(label="30 minutes", value="1800"),
    SnoozeChoice(label="1 hour", value="3600"),
    SnoozeChoice(label="3 hours", value="10800"),
    SnoozeChoice(label="1 day", value="86400"),
    SnoozeChoice(label="3 days", value="259200"),
    SnoozeChoice(label="1 week", value="604800"),
)
LONGEST_SNOOZE = timedelta(days=365)
LONGEST_TEXT = 100_000
"""Characters of a reply or a note; every network takes less, mail is the longest."""

REPLY_MARKS = (
    *("re:", "fwd:", "fw:", "aw:", "sv:", "wg:", "antw:"),
    *("回复:", "回复：", "答复:", "答复：", "转发:", "转发："),
)
SAME_SUBJECT_WITHIN = timedelta(days=30)
"""A mail without references continues an unresolved conversation of the same sender and subject this young."""

# Caps on answers written by a machine: two machines must not talk to each other for ever (I6). The numbers are
# those of the e-mail sheet, which takes them from RFC 3834, section 2, and common practice.
AUTOMATIC_PER_HOUR = 3
AUTOMATIC_PER_DAY = 10
PING_PONG_MESSAGES = 4
PING_PONG_WITHIN = timedelta(minutes=10)


def clock_start(occurred_at: datetime, heard_at: datetime) -> datetime:
    """
    Say when the promise began: when the customer wrote, and never later than we heard.

    Counting from when we heard would hide our own outages from the figures.
    """
    return min(occurred_at, heard_at)


def outcome(due_at: datetime, answered_at: datetime) -> Outcome:
    """
    Judge an answer: in time, or late.
    """
    return Outcome.KEPT if answered_at <= due_at else Outcome.BREACHED


def kind_of_clock(*, answered_before: bool, reopened: bool) -> ClockKind:
    """
    Say which promise a new message starts.
    """
    return ClockKind.NEXT_RESPONSE if answered_before and not reopened else ClockKind.FIRST_RESPONSE


_AWAKE = (State.OPEN, State.SNOOZED, State.PENDING, State.RESOLVED)


def most_awake(one: State, other: State) -> State:
    """
    Say what two conversations that become one are: whoever waited in either still waits.
    """
    return min(one, other, key=_AWAKE.index)


def may_act(agent_id: str | None, actor_id: str, *, takes_over: bool) -> bool:
    """
    Say whether somebody may change a conversation: nobody has it, they have it, or they may take over.
    """
    return agent_id is None or agent_id == actor_id or takes_over


def plain_subject(subject: str) -> str:
    """
    Strip reply and forward marks, so that `Re: AW: Order` and `order` are the same subject.
    """
    plain = " ".join(subject.split()).casefold()
    while True:
        mark = next((mark for mark in REPLY_MARKS if plain.startswith(mark)), None)
        if mark is None:
            return plain
        plain = plain[len(mark) :].strip()


def snippet(text: str, length: int = 160) -> str:
    """
    Cut a text to one line for the list.
    """
    # Cut before splitting: the text may be a million characters long.
    line = " ".join(text[: length * 8].split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def automatic_refusal(
    *, to_automatic: bool, sent_at: Sequence[datetime], message_times: Sequence[datetime], now: datetime
) -> str | None:
    """
    Say why a machine must not answer now, or None if it may.

    Args:
        to_automatic: what it would answer was itself written by a machine.
        sent_at: when we answered this person automatically before.
        message_times: of all messages of the conversation.
    """
    if to_automatic:
        return "the message was written by a machine; machines do not answer machines"
    if sum(now - at < timedelta(hours=1) for at in sent_at) >= AUTOMATIC_PER_HOUR:
        return f"{AUTOMATIC_PER_HOUR} automatic answers went to this person within an hour"
    if sum(now - at < timedelta(days=1) for at in sent_at) >= AUTOMATIC_PER_DAY:
        return f"{AUTOMATIC_PER_DAY} automatic answers went to this person within a day"
    if sent_at and sum(now - at < PING_PONG_WITHIN for at in message_times) > PING_PONG_MESSAGES:
        return "messages go back and forth too fast; it looks like two machines talking"
    return None
