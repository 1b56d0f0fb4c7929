"""
The verbs of feedback: collect (a reaction), and what product people do with topics: rename, merge, hide, send out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.core.actor import Actor
from bot.core.database import UnitOfWork
from bot.core.errors import Conflict, Invalid, NotFound
from bot.feedback import store
from bot.feedback.rules import (
    GROWS_AT,
    GROWS_WITHIN,
    MOST_PRODUCTS,
    TAG_PREFIX,
    Product,
    Tally,
    aspect_of,
    chosen,
    name_problem,
    product_of,
    product_problems,
)
from bot.feedback.store import Quote, Wanted
from bot.feedback.tables import FeedbackPhrase, FeedbackTopic
from bot.inbox.reactions import Reaction
from bot.inbox.rules import EventKind
from bot.inbox.tables import Conversation, ConversationEvent, Message
from bot.staff.service import audit
from bot.webhooks.rules import Kind, instant_text
from bot.webhooks.service import announce, kinds_wanted
from responses.topics import contains, phrases

TOPIC = "feedback"
QUOTES_SENT = 5


def reaction() -> Reaction:
    """
    Collect what messages and tags speak of.
    """
    return Reaction(name="feedback", kinds=frozenset({EventKind.MESSAGE_IN, EventKind.TAGGED}), act=collect)


async def collect(work: UnitOfWork, event: ConversationEvent, conversation: Conversation) -> None:
    """
    Note what one message of a customer, or one tag of ours, is about.
    """
    if event.kind == EventKind.TAGGED:
        message_id, said = conversation.newest_message_id, [f"{TAG_PREFIX}{event.detail.get('tag', '')}"]
    else:
        message_id, said = event.detail.get("message_id"), []
    message = await work.session.get(Message, message_id) if message_id else None
    if message is None or message.automatic is not None or message.direction != "inbound":
        return
    found = said or phrases(message.text)
    if found and aspect_of(message.intent, message.mood) is not None:
        await _count(work, found, message)


async def _count(work: UnitOfWork, found: Sequence[str], message: Message) -> None:
    rows = await store.use_phrases(work, found)
    for phrase in found:
        _use(work, rows[phrase], message.id)
    products, pairs = await store.list_products(work), []
    for phrase in chosen(found, lambda one: _is_topic(rows[one]), contains):
        row = rows[phrase]
        if row.topic_id is None:
            row.topic_id = await _grow(work, phrase)
            earlier = await store.messages(work, row.message_ids)
            pairs += [(row.topic_id, one) for one in earlier]
            row.message_ids = []
        else:
            pairs.append((row.topic_id, message))
    mentions = [_mention(topic_id, one, products) for topic_id, one in pairs]
    await work.session.flush()
    await store.add_mentions(work, [row for row in mentions if row is not None])
    if mentions:
        work.publish(TOPIC)


def _use(work: UnitOfWork, row: FeedbackPhrase, message_id: str) -> None:
    """
    Note that a message uses a phrase; a candidate remembers who did lately.
    """
    if row.topic_id is None:
        if work.now - row.first_at > GROWS_WITHIN:
            row.first_at, row.message_ids = work.now, []
        if message_id not in row.message_ids:
            row.message_ids = [*row.message_ids, message_id][-GROWS_AT * 2 :]
    row.seen_at = work.now


def _is_topic(row: FeedbackPhrase) -> bool:
    return row.topic_id is not None or row.phrase.startswith(TAG_PREFIX) or len(row.message_ids) >= GROWS_AT


async def _grow(work: UnitOfWork, phrase: str) -> str:
    topic = FeedbackTopic(id=work.new_id(), name=phrase.removeprefix(TAG_PREFIX), created_at=work.now)
    work.session.add(topic)
    await work.session.flush()
    return topic.id


def _mention(topic_id: str, message: Message, products: Sequence[Product]) -> dict[str, Any] | None:
    aspect = aspect_of(message.intent, message.mood)
    if aspect is None:
        return None
    return {
        "topic_id": topic_id,
        "message_id": message.id,
        "account_id": message.account_id,
        "product_id": product_of(message.text, products),
        "aspect": aspect,
        "mood": str(message.mood),
        "at": message.at,
    }


async def rename(work: UnitOfWork, actor: Actor, topic_id: str, name: str) -> FeedbackTopic:
    """
    Give a topic another name; the phrases that lead to it stay.

    Raises:
        Invalid: the name is none.
    """
    if said := name_problem(name):
        raise Invalid(fields={"name": said})
    topic = await store.get_topic(work, topic_id, lock=True)
    was, topic.name = topic.name, name.strip()
    await _done(work, actor, "rename", topic_id, was=was, name=topic.name)
    return topic


async def merge(work: UnitOfWork, actor: Actor, topic_id: str, into_id: str) -> FeedbackTopic:
    """
    Make two topics one: the second stays, with all mentions, and goes on collecting what either would have.

    Raises:
        Invalid: both are the same.
        NotFound: one of them is gone, perhaps merged the other way round a moment ago.
    """
    if topic_id == into_id:
        raise Invalid(fields={"into_id": "a topic cannot be merged into itself; choose another one"})
    # One order for everybody, so that two merges at once wait for each other.
    for one in sorted((topic_id, into_id)):
        await store.get_topic(work, one, lock=True)
    topic, into = await store.get_topic(work, topic_id), await store.get_topic(work, into_id)
    name = topic.name
    work.session.expunge(topic)
    await store.move_topic(work, topic_id, into_id)
    await _done(work, actor, "merge", into_id, merged=topic_id, name=name, into=into.name)
    return into


async def hide(work: UnitOfWork, actor: Actor, topic_id: str, *, hidden: bool) -> FeedbackTopic:
    """
    Take a topic that means nothing off the board, or put it back; it collects all the while.
    """
    topic = await store.get_topic(work, topic_id, lock=True)
    topic.hidden = hidden
    await _done(work, actor, "hide" if hidden else "show", topic_id, name=topic.name)
    return topic


async def send_out(work: UnitOfWork, actor: Actor, topic_id: str, *, base_url: str) -> None:
    """
    Tell webhooks about a topic, for an issue tracker behind them.

    Raises:
        Conflict: no webhook asks for topics.
    """
    topic = await store.get_topic(work, topic_id)
    if Kind.FEEDBACK_TOPIC not in await kinds_wanted(work):
        raise Conflict("no webhook asks for `feedback.topic`; an admin can add one under Webhooks")
    tally = await store.tally(work, topic, Wanted())
    quotes = await store.quotes(work, topic_id, Wanted(), limit=QUOTES_SENT, after=None)
    await announce(
        work,
        Kind.FEEDBACK_TOPIC,
        event_id=work.new_id(),
        at=work.now,
        subject_id=topic_id,
        data={
            "topic": topic_data(topic, tally, base_url),
            "conversations": [f"{base_url}/conversations/{one.message.conversation_id}" for one in quotes.items],
            "by": {"id": actor.id, "name": actor.name},
        },
        text={"quotes": [_quote(one) for one in quotes.items]},
    )
    await _done(work, actor, "send-out", topic_id, name=topic.name)


def topic_data(topic: FeedbackTopic, tally: Tally, base_url: str) -> dict[str, Any]:
    """
    Say what a topic is and how often it was mentioned.
    """
    return {
        "id": topic.id,
        "name": topic.name,
        "url": f"{base_url}/feedback/{topic.id}",
        "this_week": tally.this_week,
        "last_week": tally.last_week,
        "positive": tally.positive,
        "negative": tally.negative,
    }


def _quote(quote: Quote) -> dict[str, Any]:
    return {
        "text": quote.message.text,
        "at": instant_text(quote.mention.at),
        "aspect": quote.mention.aspect,
        "mood": quote.mention.mood,
    }


async def put_product(work: UnitOfWork, actor: Actor, name: str, words: Sequence[str]) -> None:
    """
    Add a product, or give it other words; they count from the next message on.

    Raises:
        Invalid: by field.
        Conflict: there are too many.
    """
    if problems := product_problems(name, words):
        raise Invalid(fields=problems)
    if len(await store.list_products(work)) >= MOST_PRODUCTS:
        raise Conflict(f"there are {MOST_PRODUCTS} products; remove one that is not sold any more")
    await store.put_product(work, name.strip(), words)
    await _done(work, actor, "product", name.strip(), words=list(words))


async def remove_product(work: UnitOfWork, actor: Actor, product_id: str) -> None:
    """
    Remove a product.

    Raises:
        NotFound: there is none.
    """
    if not await store.remove_product(work, product_id):
        raise NotFound("there is no such product")
    await _done(work, actor, "remove-product", product_id)


async def _done(work: UnitOfWork, actor: Actor, verb: str, subject_id: str, **detail: Any) -> None:
    await audit(work, actor, f"feedback.{verb}", "topic", subject_id, **detail)
    work.publish(TOPIC)
