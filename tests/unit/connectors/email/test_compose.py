"""
The mail that goes out.
"""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Draft, Media
from connectors.email.compose import Outgoing, Target, compose, target_of
from connectors.errors import Rejected

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def write(draft: Draft | None = None, target: Target | None = None, name: str = "Shop") -> Outgoing:
    return compose(
        draft or Draft(text="Yes."),
        target or Target(to="kite@far.example", subject="Re: Order"),
        key="job-1",
        address="support@shop.example",
        name=name,
        own=frozenset({"support@shop.example"}),
        now=NOON,
    )


def read(mail: Outgoing):
    return email.message_from_bytes(mail.content, policy=email.policy.default)


@pytest.mark.parametrize("evil", ["a\r\nBcc: all@far.example", "a\nb", "a\rb", "a\u2028b", "a\x00b", "a\x85b"])
def test_I7_nobody_breaks_out_of_a_header(evil):
    with pytest.raises(Rejected, match="line break in the subject"):
        write(Draft(text="x", subject=evil))
    with pytest.raises(Rejected, match="line break in the name"):
        write(target=Target(to="kite@far.example", name=evil))
    with pytest.raises(Rejected, match="line break in the own name"):
        write(name=evil)
    with pytest.raises(Rejected, match="no mail address"):
        write(target=Target(to=f"kite@far.example{evil}"))


@pytest.mark.parametrize("to", ["", "kite", "a@b@c", "<a@b>", "a b@c.example", "a@b,c@d", "a" * 70 + "@b.example"])
def test_what_is_no_address_is_rejected(to):
    with pytest.raises(Rejected):
        write(target=Target(to=to))


@given(st.from_regex(r"\A[^\s<>,;:\"()\[\]@\\\x00-\x20\x7f-\xa0]{1,20}\Z"), st.text(max_size=30))
def test_any_address_and_name_is_carried_or_rejected(local, name):
    try:
        mail = write(target=Target(to=f"{local}@far.example", name=name))
    except Rejected:
        return
    assert mail.recipient == f"{local}@far.example"
    assert mail.content.count(b"\r\nTo: ") == 1


def test_forged_ids_are_left_out():
    mail = write(
        target=Target(to="kite@far.example", parent="a\r\nX: y@b", references=("ok@b", "ü@b", "a b", "<c@d>"))
    )

    assert read(mail)["In-Reply-To"] is None
    assert read(mail)["References"] == "<ok@b>"


def test_long_references_are_folded_and_stay_ids():
    chain = tuple(f"{'x' * 200}{n}@far.example" for n in range(20))

    mail = write(target=Target(to="kite@far.example", parent=chain[-1], references=chain))

    assert read(mail)["References"].split() == [f"<{one}>" for one in chain]
    assert b"=?" not in mail.content
    assert max(len(line) for line in mail.content.split(b"\r\n")) <= 998


def test_the_draft_s_own_subject_goes_first():
    assert read(write(Draft(text="x", subject="Neu: Größe 尺码")))["Subject"] == "Neu: Größe 尺码"
    assert read(write())["Subject"] == "Re: Order"


def test_automatic_mail_says_so():
    answer = read(write(Draft(text="x", automatic=True), Target(to="kite@far.example", parent="a@b")))
    notice = read(write(Draft(text="x", automatic=True)))

    assert (answer["Auto-Submitted"], notice["Auto-Submitted"]) == ("auto-replied", "auto-generated")
    assert read(write())["Auto-Submitted"] is None


@pytest.mark.parametrize("kind", ["nonsense", "multipart/mixed", "message/rfc822", "text/html; charset=x", ""])
def test_a_file_of_odd_type_is_just_a_file(kind):
    media = Media(content=b"x", content_type=kind, name="")

    (attached,) = read(write(Draft(text="x", media=(media,)))).iter_attachments()

    assert (attached.get_content_type(), attached.get_filename()) == ("application/octet-stream", "file")


@given(st.text(), st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=200))
def test_any_text_goes_out_in_seven_bits_and_short_lines(text, subject):
    mail = write(Draft(text=text, subject=subject))

    assert mail.content.isascii()
    assert max(len(line) for line in mail.content.split(b"\r\n")) <= 998
    headers = mail.content.partition(b"\r\n\r\n")[0].split(b"\r\n")
    names = [line.partition(b":")[0] for line in headers if not line.startswith((b" ", b"\t"))]
    assert len(names) == len(set(names)) == 9


def test_the_same_key_gives_the_same_mail():
    assert write() == write()
    assert write().message_id == "job-1@shop.example"


@pytest.mark.parametrize("to", [{}, {"to": ""}, {"to": 7}, {"of": "another channel"}])
def test_reply_to_that_names_nobody_is_rejected(to):
    with pytest.raises(Rejected, match="nobody to answer"):
        target_of(to, automatic=False)


def test_the_name_belongs_to_the_author_alone():
    to = {"to": "forms@far.example", "from": "kite@far.example", "name": "Kite", "subject": "x"}

    assert (target_of(to, automatic=False).to, target_of(to, automatic=False).name) == ("forms@far.example", "")
    assert (target_of(to, automatic=True).to, target_of(to, automatic=True).name) == ("kite@far.example", "Kite")
    assert target_of({"to": "kite@far.example"}, automatic=True).to == "kite@far.example"


def test_I6_nothing_is_written_to_ourselves_nor_by_machines_to_machines():
    with pytest.raises(Rejected, match="ourselves"):
        write(target=Target(to="Support@Shop.example"))
    with pytest.raises(Rejected, match="no automatic answer to this mail: list"):
        write(Draft(text="x", automatic=True), Target(to="kite@far.example", no_automatic="list"))
    assert write(target=Target(to="kite@far.example", no_automatic="list")).recipient == "kite@far.example"


def test_domains_beyond_ascii_are_encoded_or_refused():
    assert write(target=Target(to="kite@例子.example")).recipient == "kite@xn--fsqu00a.example"
    with pytest.raises(Rejected, match="domain is no domain"):
        write(target=Target(to="kite@" + "ü" * 80 + ".example"))


def test_a_mail_that_answers_nothing_names_nothing():
    message = read(write())

    assert (message["In-Reply-To"], message["References"]) == (None, None)
