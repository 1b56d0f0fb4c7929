"""
Feedback over the API: the same verbs as the board.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from bot.feedback import service, store
from bot.feedback.keys import BASE_URL
from bot.feedback.rules import LONGEST_NAME, MOST_WORDS, Aspect, Order, Tally
from bot.feedback.store import Wanted
from bot.staff.rules import Permission
from bot.web.operations import Body, Call, Listing, PageQuery, operation

READ, CHANGE = Permission.FEEDBACK_READ, Permission.FEEDBACK_CHANGE
TAG = "feedback"


class TopicOut(BaseModel):
    """
    Something that customers speak of, and how often.
    """

    id: str
    name: str
    this_week: int = Field(description="messages that mention it in the last seven days")
    last_week: int = Field(description="in the seven days before")
    positive: int = Field(description="of this week's, by messages in a positive mood")
    negative: int = Field(description="of this week's, by messages in a negative mood")


class TopicDetailOut(TopicOut):
    """
    A topic with the phrases that lead to it.
    """

    hidden: bool
    phrases: list[str]


class QuoteOut(BaseModel):
    """
    What one customer wrote about a topic.
    """

    message_id: str
    conversation_id: str
    account_id: str
    product_id: str
    aspect: Aspect
    mood: str
    text: str
    at: datetime


class ProductOut(BaseModel):
    """
    Something we sell, and the words that name it.
    """

    id: str
    name: str
    words: list[str]


class BoardQuery(PageQuery):
    """
    Which topics, by which mentions.
    """

    aspect: Aspect | None = None
    account_id: str = Field(default="", max_length=100)
    product_id: str = Field(default="", max_length=100)
    order: Order = Order.COUNT


class QuotesQuery(PageQuery):
    """
    Which mentions.
    """

    aspect: Aspect | None = None
    account_id: str = Field(default="", max_length=100)
    product_id: str = Field(default="", max_length=100)


class RenameIn(Body):
    name: str = Field(max_length=LONGEST_NAME)


class MergeIn(Body):
    into_id: str = Field(max_length=100, description="the topic that stays")


class HideIn(Body):
    hidden: bool


class ProductIn(Body):
    """
    A product; one that has this name already gets these words.
    """

    name: str = Field(max_length=LONGEST_NAME)
    words: list[str] = Field(max_length=MOST_WORDS)


def _wanted(query: BoardQuery | QuotesQuery) -> Wanted:
    return Wanted(aspect=query.aspect, account_id=query.account_id, product_id=query.product_id)


def _out(tally: Tally) -> TopicOut:
    return TopicOut(
        id=tally.topic_id,
        name=tally.name,
        this_week=tally.this_week,
        last_week=tally.last_week,
        positive=tally.positive,
        negative=tally.negative,
    )


async def _products(call: Call) -> Listing[ProductOut]:
    found = await store.list_products(call.work)
    return Listing(items=[ProductOut(id=one.id, name=one.name, words=list(one.words)) for one in found])


async def _detail(call: Call, topic_id: str) -> TopicDetailOut:
    topic = await store.get_topic(call.work, topic_id)
    tally = await store.tally(call.work, topic, Wanted())
    phrases = await store.phrases_of(call.work, topic_id)
    return TopicDetailOut(**_out(tally).model_dump(), hidden=topic.hidden, phrases=phrases)


@operation("GET", "/feedback/topics", permission=READ, tag=TAG)
async def list_feedback_topics(call: Call, query: BoardQuery) -> Listing[TopicOut]:
    """
    List the topics of the last two weeks, the most mentioned or the most rising first.
    """
    found = await store.board(call.work, _wanted(query), query.order, limit=query.limit, after=query.after)
    return Listing(items=[_out(one) for one in found.items], after=found.after)


@operation("GET", "/feedback/topics/{id}", permission=READ, tag=TAG)
async def read_feedback_topic(call: Call, id: str) -> TopicDetailOut:
    """
    Read one topic.
    """
    return await _detail(call, id)


@operation("GET", "/feedback/topics/{id}/quotes", permission=READ, tag=TAG)
async def list_feedback_quotes(call: Call, id: str, query: QuotesQuery) -> Listing[QuoteOut]:
    """
    List what was written about a topic, newest first.
    """
    topic = await store.get_topic(call.work, id)
    found = await store.quotes(call.work, topic.id, _wanted(query), limit=query.limit, after=query.after)
    items = [
        QuoteOut(
            message_id=one.message.id,
            conversation_id=one.message.conversation_id,
            account_id=one.mention.account_id,
            product_id=one.mention.product_id,
            aspect=Aspect(one.mention.aspect),
            mood=one.mention.mood,
            text=one.message.text,
            at=one.mention.at,
        )
        for one in found.items
    ]
    return Listing(items=items, after=found.after)


@operation("POST", "/feedback/topics/{id}/rename", permission=CHANGE, tag=TAG)
async def rename_feedback_topic(call: Call, id: str, body: RenameIn) -> TopicDetailOut:
    """
    Give a topic another name.
    """
    await service.rename(call.work, call.actor, id, body.name)
    return await _detail(call, id)


@operation("POST", "/feedback/topics/{id}/merge", permission=CHANGE, tag=TAG)
async def merge_feedback_topic(call: Call, id: str, body: MergeIn) -> TopicDetailOut:
    """
    Merge a topic into another one, which goes on collecting for both.
    """
    await service.merge(call.work, call.actor, id, body.into_id)
    return await _detail(call, body.into_id)


@operation("POST", "/feedback/topics/{id}/hide", permission=CHANGE, tag=TAG)
async def hide_feedback_topic(call: Call, id: str, body: HideIn) -> TopicDetailOut:
    """
    Take a topic off the board, or put it back.
    """
    await service.hide(call.work, call.actor, id, hidden=body.hidden)
    return await _detail(call, id)


@operation("POST", "/feedback/topics/{id}/send-out", permission=CHANGE, tag=TAG, status=202)
async def send_out_feedback_topic(call: Call, id: str) -> TopicDetailOut:
    """
    Tell the webhooks that ask for `feedback.topic`.
    """
    await service.send_out(call.work, call.actor, id, base_url=call.request.app[BASE_URL])
    return await _detail(call, id)


@operation("GET", "/feedback/products", permission=READ, tag=TAG)
async def list_feedback_products(call: Call) -> Listing[ProductOut]:
    """
    List the products.
    """
    return await _products(call)


@operation("PUT", "/feedback/products", permission=CHANGE, tag=TAG)
async def put_feedback_product(call: Call, body: ProductIn) -> Listing[ProductOut]:
    """
    Add a product, or give it other words.
    """
    await service.put_product(call.work, call.actor, body.name, body.words)
    return await _products(call)


@operation("DELETE", "/feedback/products/{id}", permission=CHANGE, tag=TAG)
async def remove_feedback_product(call: Call, id: str) -> None:
    """
    Remove a product; what was said about it stays.
    """
    await service.remove_product(call.work, call.actor, id)
