"""
A raw mail is taken apart, whatever its shape.
"""

from __future__ import annotations

import base64
import time

import pytest

from connectors.base import Attachment
from connectors.email.mime import (
    MAX_NAME_CHARS,
    MAX_NESTING,
    MAX_TEXT_CHARS,
    TooManyParts,
    attachments,
    readable,
    safe_name,
    take_apart,
)


def multipart(kind: str, *parts: str, boundary: str = "b") -> str:
    inner = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"'
    return f"{head}\r\n\r\npreamble\r\n{inner}--{boundary}--\r\nepilogue"


def part(content: str, kind: str = "text/plain", *headers: str) -> str:
    return "\r\n".join([f"Content-Type: {kind}", *headers, "", content])


def text_of(mail: str) -> str:
    return readable(take_apart(mail.encode()))[0]


def html_of(mail: str) -> str | None:
    return readable(take_apart(mail.encode()))[1]


def test_plain_text_goes_before_html():
    mail = multipart("alternative", part("plain"), part("<p>rich</p>", "text/html"))

    assert text_of(mail) == "plain"
    assert html_of(mail) == "<p>rich</p>"


@pytest.mark.parametrize("plain", ["", "   \r\n"])
def test_html_is_read_where_the_plain_text_says_nothing(plain):
    assert text_of(multipart("alternative", part(plain), part("<p>rich</p>", "text/html"))) == "rich"


def test_a_list_footer_does_not_replace_the_text():
    inner = multipart("alternative", part("<p>question</p>", "text/html"), boundary="i")

    assert text_of(multipart("mixed", inner, part("footer of the list"))) == "question\n\nfooter of the list"


def test_html_outside_of_an_alternative_is_read_in_its_place():
    assert (
        text_of(multipart("mixed", part("one"), part("<b>two</b>", "text/html"), part("three")))
        == "one\n\ntwo\n\nthree"
    )


def test_nested_parts_are_found_in_order():
    inner = multipart("related", part("<p>x</p>", "text/html"), part("", "image/png"), boundary="r")
    mail = take_apart(
        multipart("mixed", multipart("alternative", part("x"), inner, boundary="a"), part("y")).encode()
    )

    assert [one.kind for one in mail.parts] == ["text/plain", "text/html", "image/png", "text/plain"]


@pytest.mark.parametrize(
    "mail",
    [
        "Subject: x\r\n\r\nhello",
        "Subject: x\n\nhello",
        "\r\nhello",
        "\nhello",
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nhello',
        'Content-Type: multipart/mixed; boundary="b"\n\n--b  \n\nhello\n--b--',
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--bx\r\n--b\r\n\r\nhello\r\n--b--",
        "Content-Type: text/plain; charset\r\n\r\nhello",
        "Content-Type: nonsense\r\n\r\nhello",
        "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=",
        "Content-Transfer-Encoding: Quoted-Printable\r\n\r\nhel=\r\nl=6F",
        "Content-Transfer-Encoding: x-unheard-of\r\n\r\nhello",
    ],
)
def test_odd_shapes_are_read(mail):
    assert text_of(mail).strip() == "hello"


def test_a_part_that_ends_at_its_boundary_has_no_body():
    mail = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n\r\nhello\r\n--b"

    assert text_of(mail) == "hello"


def test_a_multipart_without_its_parts_is_a_file():
    mail = take_apart(b"Content-Type: multipart/mixed; boundary=b\r\n\r\nno parts here")

    assert [one.kind for one in attachments(mail)] == ["file"]


def test_headers_alone_are_a_mail():
    assert text_of("Subject: only this") == ""


def test_flowed_text_is_joined():
    assert text_of("Content-Type: text/plain; format=flowed; delsp=yes; charset=utf-8\r\n\r\n你 \r\n好") == "你好"


def test_parameters_by_rfc_2231_and_by_encoded_word():
    mail = take_apart(
        multipart(
            "mixed",
            part("x", "image/png", "Content-Disposition: attachment; filename*=utf-8''%E5%B0%BA.png"),
            part("x", 'application/pdf; name="=?utf-8?b?5bC6?=.pdf"'),
            part("x", "text/plain", "Content-Disposition: attachment"),
            part("Subject: inner\r\n\r\ny", "message/rfc822", "Content-Description: a =?utf-8?q?f=C3=A9?="),
        ).encode()
    )

    assert attachments(mail) == (
        Attachment(kind="image", name="尺.png", content_type="image/png", size=1),
        Attachment(kind="file", name="尺.pdf", content_type="application/pdf", size=1),
        Attachment(kind="file", name="", content_type="text/plain", size=1),
        Attachment(kind="file", name="message.eml", content_type="message/rfc822", size=19, description="a fé"),
    )


def test_the_size_of_an_encoded_file_is_that_of_its_content():
    content = base64.encodebytes(b"x" * 100_000).decode().replace("\n", "\r\n")
    mail = take_apart(part(content, "video/mp4", "Content-Transfer-Encoding: base64").encode())

    assert attachments(mail)[0].size == pytest.approx(100_000, rel=0.01)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Temp\\a.exe", "a.exe"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\x00\r\nb.txt", "a\ufffdb.txt"),
        (" .. ", ""),
        ("尺码.png", "尺码.png"),
    ],
)
def test_file_names_are_made_harmless(name, safe):
    assert safe_name(name) == safe


@pytest.mark.parametrize("name", ["x" * 500, "x" * 500 + ".jpeg", "x." + "y" * 500])
def test_long_file_names_are_cut(name):
    assert len(safe_name(name)) <= MAX_NAME_CHARS
    assert safe_name("x" * 500 + ".jpeg").endswith(".jpeg")


def test_I2_too_many_parts_are_refused_at_once():
    began = time.process_time()
    with pytest.raises(TooManyParts):
        take_apart(multipart("mixed", *(["\r\nx"] * 10_000)).encode())

    assert time.process_time() - began < 5


def test_I2_a_mail_nested_without_end_is_read_to_some_depth():
    mail = "Subject: x\r\n"
    for depth in range(5000):
        mail += f"Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n"
    began = time.process_time()
    taken = take_apart(mail.encode())

    assert time.process_time() - began < 5
    assert len(taken.parts) == 1
    assert MAX_NESTING < 100


def test_I2_many_parts_over_many_levels_are_counted_together():
    mail = part("x")
    for depth in range(20):
        mail = multipart("mixed", *([mail] if depth else []), *([part("x")] * 30), boundary=f"b{depth}")
    with pytest.raises(TooManyParts):
        take_apart(mail.encode())


def test_I2_text_is_cut_at_its_limit():
    assert len(text_of("\r\n" + "x" * (MAX_TEXT_CHARS + 5))) == MAX_TEXT_CHARS


def test_I2_lines_that_only_look_like_boundaries_are_counted_too():
    with pytest.raises(TooManyParts):
        take_apart(b"Content-Type: multipart/mixed; boundary=b\r\n" + b"\r\n--bx" * 30_000)
