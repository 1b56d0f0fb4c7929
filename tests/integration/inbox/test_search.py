"""
The search: both databases find the same, at once, whatever is typed.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.core.database import Database
from bot.core.errors import Invalid
from bot.inbox import service, store, tagging
from bot.inbox.query import read_query
from bot.inbox.search import Hit, find
from bot.inbox.tables import Message
from connectors.base import Attachment, Author
from tests.fakes.clock import FakeClock
from tests.integration.inbox.house import KITE, REED, House


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).build()


async def _found(house: House, typed: str, **more: object) -> list[Hit]:
    async with house.database.read() as work:
        return list((await find(work, read_query(typed), limit=50, after=None)).items)


async def _texts(house: House, typed: str) -> list[str]:
    return ["".join(piece.text for piece in hit.pieces) for hit in await _found(house, typed)]


async def test_words_phrases_and_what_must_not_be_there(house: House) -> None:
    for text in ("The lamp has not arrived", "Not a lamp, but it arrived", "Refund for the LAMPSHADE please"):
        await house.asked(text, Author(key=text, handle=text[:3].lower(), name=text[:3]))
    assert await _texts(house, "lamp in:messages") == [
        "Refund for the LAMPSHADE please",
        "Not a lamp, but it arrived",
        "The lamp has not arrived",
    ], "the newest first; words begin with what was typed, in any case"
    assert await _texts(house, '"lamp"') == ["Not a lamp, but it arrived", "The lamp has not arrived"]
    assert await _texts(house, '"not arrived"') == ["The lamp has not arrived"]
    assert await _texts(house, "lamp -refund") == ["Not a lamp, but it arrived", "The lamp has not arrived"]
    assert await _texts(house, 'lamp -"not arrived" -refund') == ["Not a lamp, but it arrived"]
    assert await _texts(house, "-lamp in:messages") == []
    assert await _texts(house, "-refund in:messages") == ["Not a lamp, but it arrived", "The lamp has not arrived"]
    assert await _texts(house, "lamp lantern") == []


@pytest.mark.parametrize(
    ("typed", "finds"),
    [
        ("发货", True),
        ("什么时候", True),
        ("么时", True),
        ("货", True),
        ("订", True),
        ('"订"', True),
        ("订单4711", True),
        ("4711", True),
        ("发货 订单", True),
        ("货发", False),
        ("退款", False),
        ("订 退", False),
    ],
)
async def test_chinese_is_found_from_one_character_on(house: House, typed: str, finds: bool) -> None:
    await house.asked("请问什么时候发货？我的订单4711，谢谢")
    assert bool(await _found(house, typed)) is finds


async def test_other_scripts_emoji_and_forms_of_letters(house: House) -> None:
    texts = (
        "주문이 어디에 있나요",
        "ราคาเท่าไร",
        "いつ届きますか",
        "हिन्दी में लिखा",
        "I ❤ it 😀",
        "ＡＢＣ STRASSE",
        "Где заказ?",
    )
    for text in texts:
        await house.asked(text, Author(key=text, handle="h"))
    for typed, text in (
        *(("주문", texts[0]), ("ราคา", texts[1]), ("届き", texts[2]), ("हिन्दी", texts[3])),
        *(("😀", texts[4]), ("❤", texts[4]), ("abc", texts[5]), ("straße", texts[5]), ("ЗАКАЗ", texts[6])),
    ):
        assert await _texts(house, typed) == [text], typed


async def test_notes_subjects_and_names_are_found_where_they_are(house: House) -> None:
    opened = await house.asked(
        "hello", Author(key="z", handle="zhou@far.example", name="周慧"), subject="Lantern 12"
    )
    async with house.database.write() as work:
        await service.add_note(work, house.people["ann"], opened, "ask the warehouse")
    for typed, kind in (
        *(("warehouse", "note"), ("lantern", "subject"), ("周慧", "contact"), ("zhou", "contact")),
        *(("hello", "message"), ("zhou@far.example", "contact")),
    ):
        hits = await _found(house, typed)
        assert [hit.kind for hit in hits] == [kind], typed
        if kind != "contact":
            assert hits[0].conversation is not None
            assert hits[0].conversation.id == opened
        assert hits[0].contact_name == "周慧"
    assert [hit.kind for hit in await _found(house, "in:notes")] == ["note"]
    assert await _found(house, "warehouse in:messages in:subjects") == []


async def test_filters_narrow(house: House, clock: FakeClock) -> None:
    one = await house.asked("a lamp", KITE)
    await clock.advance(timedelta(days=2))
    photo = Attachment(kind="image", name="lamp.jpg", url="https://far.example/lamp.jpg")
    other = await house.asked("a lamp, see https://far.example/x", REED, attachments=(photo,))
    async with house.database.write() as work:
        await service.resolve(work, house.people["lea"], one)
        await tagging.add_tags(work, house.people["lea"], other, ["Refund wanted"])

    async def found(typed: str) -> list[str]:
        return [hit.conversation.id for hit in await _found(house, typed) if hit.conversation]

    assert await found("lamp") == [other, one]
    assert await found("lamp from:kite") == [one]
    assert await found('lamp from:"REED@far"') == [other]
    assert await found("lamp from:kite from:reed") == [other, one], "several of one filter mean any"
    assert await found("lamp account:shop") == [other, one]
    assert await found("lamp state:resolved") == [one]
    assert await found('lamp tag:"refund wanted"') == [other]
    assert await found("lamp has:attachment") == [other]
    assert await found("lamp has:link") == [other]
    assert await found("lamp before:2026-03-03") == [one]
    assert await found("lamp after:2026-03-04") == [other]
    assert await found("lamp after:2026-03-02 before:2026-03-03 state:open") == []
    assert await found("state:resolved") == [one], "no word at all: the filters are enough"
    with pytest.raises(Invalid) as refused:
        await found("lamp account:shopp")
    assert "no account 'shopp'; there are: shop" in str(refused.value.fields)


@pytest.mark.parametrize(
    "typed",
    [
        *('lamp" OR "x', "lamp*", "lamp AND (", "NEAR(lamp, 2)", "tokens:lamp", "lamp'); DROP TABLE message; --"),
        *(
            "lamp & !x",
            "lamp <-> x",
            "lamp:*",
            "'lamp",
            "\\lamp",
            "^lamp",
            "{lamp}",
            "lamp\x00",
            "%",
            "-",
            "(((",
            '""',
        ),
    ],
)
async def test_the_languages_of_the_databases_are_only_text(house: House, typed: str) -> None:
    await house.asked("a lamp")
    said = ""
    try:
        await _found(house, typed)
    except Invalid as refused:
        said = refused.fields["q"]
    assert said == "" or said.startswith("character ")
    async with house.database.read() as work:
        assert await work.session.scalar(sa.select(sa.func.count()).select_from(Message)) == 1


async def test_what_a_person_is_called_now_is_found(house: House) -> None:
    await house.asked("hi", KITE)
    await house.asked("me again", Author(key=KITE.key, handle="falcon@far.example", name="Falcon"))
    assert [hit.kind for hit in await _found(house, "falcon in:contacts")] == ["contact"]
    assert await _found(house, "kite in:contacts") == []


async def test_what_is_moved_is_found_where_it_is_now_and_what_is_gone_is_not(house: House) -> None:
    one, other = await house.asked("a lamp", KITE), await house.asked("hello", REED)
    async with house.database.write() as work:
        message = (await store.list_messages(work, one, limit=1, after=None)).items[0]
        move = sa.update(Message).where(Message.id == message.id).values(conversation_id=other)  # type: ignore[arg-type]
        await work.session.execute(move)
    (hit,) = await _found(house, "lamp")
    assert hit.conversation is not None
    assert hit.conversation.id == other
    async with house.database.write() as work:
        row = await store.get_message(work, message.id)
        row.text = "a lantern"
        await work.session.flush()
    assert await _found(house, "lamp") == []
    assert len(await _found(house, "lantern")) == 1
    async with house.database.write() as work:
        for conversation_id in (one, other):
            (await store.get_conversation(work, conversation_id)).newest_message_id = None
        await work.session.delete(await store.get_message(work, message.id))
    assert await _found(house, "lantern") == []


async def test_a_unit_that_fails_leaves_nothing_to_be_found(house: House) -> None:
    opened = await house.asked()
    with suppress(RuntimeError):
        async with house.database.write() as work:
            await service.add_note(work, house.people["ann"], opened, "never said")
            await work.session.flush()
            raise RuntimeError
    assert await _found(house, "never") == []


async def test_pages_follow_one_another(house: House) -> None:
    opened = await house.asked("start")
    async with house.database.write() as work:
        for number in range(23):
            await service.add_note(work, house.people["ann"], opened, f"lamp {number}")
    found, after = list[str](), None
    while True:
        async with house.database.read() as work:
            part = await find(work, read_query("lamp"), limit=5, after=after)
        found += ["".join(piece.text for piece in hit.pieces) for hit in part.items]
        after = part.after
        if after is None:
            break
    assert found == [f"lamp {number}" for number in reversed(range(23))]


async def test_a_very_long_text_is_taken_in(house: House) -> None:
    await house.asked("begin " + "wörter und ähnliches " * 40_000 + "x" * 300_000)
    await house.asked("字" * 300_000, REED)
    assert len(await _found(house, "ähnliches")) == 1
    assert len(await _found(house, "字字字")) == 1
