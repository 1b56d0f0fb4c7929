"""
Alike requests: what holds for any two texts, how often the judgement is right, and how fast groups grow.
"""

import itertools
import random
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responses import read, warm_up
from responses.alike import SAID_MORE, Asked, Gathering, best_match, compare, fingerprint

warm_up()
GOLDEN = Path(__file__).parents[2] / "golden" / "alike.tsv"
FLOORS = {"tuning": (1.0, 1.0), "held-out": (1.0, 0.92)}
"""Precision and recall as measured when they were last set."""

WORDS = st.sampled_from(
    [
        "refund",
        "not",
        "Kite",
        "order",
        "4711",
        "Norway",
        "£35",
        "a",
        "when",
        "我",
        "退款",
        "不",
        "要",
        "!",
        "Monday",
    ]
)
TEXTS = st.text(max_size=80) | st.lists(WORDS, max_size=12).map(" ".join)
REQUESTS = st.builds(
    Asked,
    text=TEXTS,
    language=st.sampled_from(["en", "zh", None]),
    intent=st.sampled_from(["question", "complaint", "bug", "praise"]),
    post=st.sampled_from([None, "p1", "p2"]),
)


class Pair(NamedTuple):
    half: str
    where: str
    alike: bool
    one: str
    other: str


def pairs() -> list[Pair]:
    lines = [line for line in GOLDEN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = [line.split("\t") for line in lines[1:]]
    return [Pair(half, where, verdict == "alike", one, other) for half, where, verdict, one, other in rows]


def asked(text: str, post: str | None = None) -> Asked:
    reading = read(text)
    return Asked(text=text, language=reading.language.code, intent=reading.intent.intent, post=post)


def gathered(pair: Pair) -> bool:
    """
    Say whether the two end in one group, the search for near ones included.
    """
    post = "ours" if pair.where == "post" else None
    gathering = Gathering()
    gathering.add("one", asked(pair.one, post))
    return gathering.add("other", asked(pair.other, post)) is not None


@pytest.mark.parametrize("half", FLOORS)
def test_precision_and_recall_do_not_fall(half):
    judged = [(pair.alike, gathered(pair)) for pair in pairs() if pair.half == half]
    right = sum(want and got for want, got in judged)
    precision = right / max(1, sum(got for _, got in judged))
    recall = right / sum(want for want, _ in judged)
    print(f"{half}: {len(judged)} pairs, precision {precision:.3f}, recall {recall:.3f}")
    assert (precision, recall) >= FLOORS[half]
    assert recall >= FLOORS[half][1]


@given(one=REQUESTS, other=REQUESTS)
def test_likeness_is_symmetric(one, other):
    assert compare(one, other) == compare(other, one)


@given(one=REQUESTS, other=REQUESTS)
def test_alike_ones_share_enough_and_something_besides_words(one, other):
    likeness = compare(one, other)
    assert 0 <= likeness.share <= 1
    if likeness.alike:
        assert likeness.share >= SAID_MORE
        assert likeness.same in ("post", "intent", "text")
        assert likeness.shared <= likeness.of
    else:
        assert likeness.why == likeness.against


@given(text=TEXTS)
def test_a_request_that_says_enough_is_alike_to_itself(text):
    same = Asked(text=text, intent="question")
    likeness = compare(same, same)
    assert likeness.alike or likeness.against == "they say too little"


@given(text=st.text(alphabet="ab cd,.!", min_size=1, max_size=60))
def test_bands_of_equal_texts_are_equal_and_fit_any_database(text):
    bands = fingerprint(text).bands
    assert bands == fingerprint(text + " ").bands
    assert all(0 <= band < 2**63 for band in bands)


TEMPLATES = (
    "Where is my order {number}? I placed it on {day}",
    "The zipper of my jacket broke, order {number}",
    "please send an invoice for order {number}, thanks",
    "我的订单{number}怎么还没发货",
    "怎么修改收货地址？订单号{number}",
)


@given(order=st.permutations(list(itertools.product(range(len(TEMPLATES)), range(4)))))
def test_groups_do_not_depend_on_who_wrote_first(order):
    gathering = Gathering()
    for template, turn in order:
        text = TEMPLATES[template].format(number=40_000 + turn, day=["Monday", "Friday"][turn % 2])
        gathering.add(f"{template} {turn}", Asked(text=text, intent="question"))
    found = {frozenset(members) for members in gathering.groups.values()}
    assert found == {frozenset(f"{at} {turn}" for turn in range(4)) for at in range(len(TEMPLATES))}


@pytest.mark.parametrize(
    ("one", "other", "against"),
    [
        (Asked(text="I want a refund"), Asked(text="I want no refund"), "denies"),
        (Asked(text="ship to me in Norway"), Asked(text="ship to me in Sweden"), "different things"),
        (Asked(text="when is the sale"), Asked(text="where is the sale"), "different things"),
        (Asked(text="hi there"), Asked(text="hi there"), "too little"),
        (Asked(text="broken lamp", language="en"), Asked(text="broken lamp", language="de"), "languages"),
        (Asked(text="broken lamp", intent="bug"), Asked(text="broken jug", intent="praise"), "neither"),
        (Asked(text="broken lamp, sad me"), Asked(text="broken jug"), "too little (19%, at least 72%"),
    ],
)
def test_it_says_what_stands_against_two_requests(one, other, against):
    assert against in compare(one, other).why


def test_it_says_what_two_requests_share():
    post = {"intent": "question", "post": "p1"}
    likeness = compare(
        Asked(text="Does the lamp ship to Norway?", **post),
        Asked(text="does the lamp ship to Norway please", **post),
    )
    assert likeness.why == "shares 6 of 7 words; both answer the same post"
    chinese = compare(Asked(text="可以寄到香港吗"), Asked(text="可以寄到香港嗎？"))
    assert chinese.why == "shares 7 of 7 characters; both want the same kind of thing"
    mixed = compare(Asked(text="broken lamp", intent="bug"), Asked(text="Broken lamp!", intent="praise"))
    assert mixed.why == "shares 2 of 2 words; hardly anything else is said"


def test_the_nearest_group_is_chosen_and_of_equals_the_older():
    leaders = {
        "b": Asked(text="does the lamp ship to Norway"),
        "a": Asked(text="does the lamp ship to Norway"),
        "c": Asked(text="does the lamp ship to Norway by Christmas, please"),
    }
    found = best_match(Asked(text="Does the lamp ship to Norway?"), leaders)
    assert found is not None
    assert found.id == "a"


def test_ten_thousand_open_requests_are_grouped_one_by_one_in_under_five_milliseconds_each():
    chance = random.Random(7)
    stories = (GOLDEN.parent / "training.tsv").read_text(encoding="utf-8").splitlines()
    words = " ".join(line.split("\t")[-1] for line in stories if not line.startswith("#")).split()
    gathering = Gathering()

    def request(number: int) -> Asked:
        if number % 3 == 0:
            text = TEMPLATES[number % len(TEMPLATES)].format(number=number + 10_000, day="Monday")
        else:
            text = " ".join(chance.choice(words) for _ in range(15))
        return Asked(text=text, intent="question")

    for number in range(10_000):
        gathering.add(str(number), request(number))
    fresh = [request(20_000 + number) for number in range(300)]
    start = time.perf_counter()
    for number, one in enumerate(fresh):
        gathering.add(f"fresh {number}", one)
    each = (time.perf_counter() - start) / len(fresh)
    print(f"{len(gathering.groups)} groups of 10,300 requests, {each * 1000:.2f} ms for one more")
    assert each < 0.005
    assert len(gathering.groups) < 7_500
