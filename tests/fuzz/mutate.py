"""Damage: bytes changed, cut, repeated, spliced, and words of the format put where they do not belong."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_TOKENS: tuple[bytes, ...] = (
    *(bytes([byte]) for byte in b'[]{}":,\\\n\r;\t|\x00\xff\x1f<>&=/%+ '),
    b"null", b"true", b"NaN", b"-0", b"1e999", b"9" * 400, b"\xef\xbb\xbf", b"\xff\xfe", b"\\ud800", b"\\u0000",
    b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?xml version='1.0' encoding='utf-16'?>", b"&amp;", b"&#0;", b"&lol;",
    b"<!DOCTYPE a [<!ENTITY lol 'lol'>]>", b"<script type='application/ld+json'>", b"</script>", b"@graph", b"@id",
    b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\x1f\x8b\x08", b"BZh9", b"\x28\xb5\x2f\xfd", b"Obj\x01", b"PAR1",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"%2B", b"%zz", b"s3:",
)  # fmt: skip
_LARGEST = 200_000


def damage(drawn: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """A few mutations of `data`; `others` are what may be spliced in."""
    damaged = bytearray(data)
    for _ in range(drawn.choice((1, 1, 2, 3, 5, 9))):
        drawn.choice(_KINDS)(drawn, damaged, others)
    return bytes(damaged[:_LARGEST])


def _flip(drawn: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[drawn.randrange(len(data))] ^= 1 << drawn.randrange(8)


def _token(drawn: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = drawn.randint(0, len(data))
    data[at : at + drawn.choice((0, 0, 1, 4))] = drawn.choice(_TOKENS)


def _cut(drawn: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = drawn.randint(0, len(data))
    del data[at : at + drawn.choice((1, 2, 8, 50, 1_000, _LARGEST))]


def _repeat(drawn: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = drawn.randint(0, len(data))
    piece = bytes(data[at : at + drawn.randint(1, 60)])
    data[at:at] = piece * drawn.choice((1, 2, 10, 500))


def _splice(drawn: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    other = drawn.choice(others)
    start = drawn.randint(0, len(other))
    at = drawn.randint(0, len(data))
    data[at : at + drawn.choice((0, 10, _LARGEST))] = other[start : start + drawn.choice((10, 200, _LARGEST))]


def _number(drawn: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """A digit, or a length in a binary format, becomes another."""
    digits = [at for at, byte in enumerate(data[:5_000]) if 48 <= byte <= 57]
    if digits:
        at = drawn.choice(digits)
        data[at : at + 1] = drawn.choice((b"0", b"-1", b"99999999999999999999", b"1.5", b"0x10"))


_Kind = Callable[[random.Random, bytearray, Sequence[bytes]], None]
_KINDS: tuple[_Kind, ...] = (_flip, _token, _token, _cut, _repeat, _splice, _number)
