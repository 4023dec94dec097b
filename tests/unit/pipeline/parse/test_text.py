from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pipeline.parse.text import TextDecoder, Undecodable, byte_order_mark

_MARKED = ("utf-8-sig", "utf-16", "utf-32")


def _decode(data: bytes, fallback: str | None = None, block: int = 1_000) -> tuple[str, Undecodable | None]:
    decoder = TextDecoder(data[:4], fallback)
    text = b""
    try:
        for at in range(0, len(data), block):
            for piece in decoder.feed(data[at : at + block]):
                text += piece
        for piece in decoder.finish():
            text += piece
    except Undecodable as error:
        return text.decode(), error
    return text.decode(), None


@settings(deadline=None)
@given(st.text(), st.sampled_from(["utf-8", *_MARKED]), st.integers(1, 7))
def test_text_comes_out_whatever_its_encoding(text: str, encoding: str, block: int) -> None:
    text = "x" + text
    assert _decode(text.encode(encoding, "ignore"), block=block) == (text.encode(errors="ignore").decode(), None)


@settings(deadline=None)
@given(st.binary(max_size=60), st.integers(1, 7), st.sampled_from([None, "cp1252", "latin-1", "shift_jis"]))
def test_the_cutting_does_not_matter(data: bytes, block: int, fallback: str | None) -> None:
    (text, error), (other, same) = _decode(data, fallback), _decode(data, fallback, block)
    assert (text, str(error)) == (other, str(same))


@pytest.mark.parametrize(
    ("data", "good", "offset"),
    [
        (b"abc\xe4def", "abc", 3),
        ("abcä".encode() + b"\xff", "abcä", 5),
        ("abcä".encode()[:-1], "abc", 3),
        (b"\xef\xbb\xbfab\xff", "ab", 5),
        (b"ab\xed\xa0\x80", "ab", 2),
        (b"\xff\xfea\x00\x00\xd8", "a", 4),
        (b"\xff\xfea\x00b", "a", 4),
    ],
)
def test_without_a_fallback_the_first_wrong_byte_is_told(data: bytes, good: str, offset: int) -> None:
    text, error = _decode(data, block=2)
    assert text == good
    assert error is not None
    assert error.offset == offset


def test_from_the_first_wrong_byte_on_the_fallback_is_used() -> None:
    assert _decode("Kinosäle;€".encode("cp1252"), "cp1252") == ("Kinosäle;€", None)
    assert _decode("ü".encode() + "ä und ü".encode("cp1252"), "cp1252") == ("üä und ü", None)


def test_a_mark_is_stronger_than_the_fallback() -> None:
    text, error = _decode(b"\xef\xbb\xbfab\xe4", "cp1252")
    assert text == "ab"
    assert error is not None


def test_a_byte_that_the_fallback_does_not_know_is_told() -> None:
    text, error = _decode(b"abc\xe4d\x81", "cp1252", block=2)
    assert text == "abcäd"
    assert error is not None
    assert (error.offset, error.expected) == (5, "cp1252")


def test_marks() -> None:
    assert byte_order_mark(b"\xef\xbb\xbfab") == ("utf-8", 3)
    assert byte_order_mark(b"\xff\xfe\0\0") == ("utf-32-le", 4)
    assert byte_order_mark(b"\xff\xfea\0") == ("utf-16-le", 2)
    assert byte_order_mark(b"ab") == (None, 0)
