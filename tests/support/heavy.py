"""Texts and files that make each reader keep as much as it can, at any size."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable

import zstandard

from tests.support.feed_text import listing
from tests.support.packed import LISTING_SCHEMA, avro_file, zip_of

_LINE = b'{"note":"' + b"x" * 900 + b'"}\n'


def _filled(start: bytes, unit: bytes, end: bytes = b"") -> Callable[[int], bytes]:
    return lambda size: start + unit * max(1, (size - len(start) - len(end)) // len(unit)) + end


def _lines(size: int) -> bytes:
    return _LINE * max(1, size // len(_LINE))


def _avro(codec: str) -> Callable[[int], bytes]:
    one = listing(1, title="x" * 900)
    return lambda size: avro_file(LISTING_SCHEMA, [[one] * max(1, min(size, 15_000_000) // 930)], codec)


HEAVY_TEXTS: dict[str, Callable[[int], bytes]] = {
    "json array": lambda size: b"[" + _lines(size).replace(b"\n", b",") + b"{}]",
    "json one record": _filled(b'{"a":"', b"x", b'"}'),
    "json values": _filled(b'{"a":[', b"1.25e3,", b"1]}"),
    "json objects": _filled(b'{"a":[', b'{"b":1},', b"{}]}"),
    "json nested": _filled(b'{"a":', b'{"a":'),
    "json unclosed": _filled(b'[{"a":"', b"x"),
    "json linked": _filled(b'{"@context":"https://schema.org","@graph":[', b'{"@type":"Car","name":"VW"},', b"{}]}"),
    "json skipped": _filled(b'{"other":[', b'"xxxxxxxxx",', b'"x"]}'),
    "ndjson": _lines,
    "ndjson one line": _filled(b'{"a":1}\n{"a":"', b"x", b'"}\n'),
    "ndjson values": _filled(b'{"a":1}\n{"a":[', b"1.25e3,", b"1]}\n"),
    "csv": _filled(b"id,make,model\n", b"1,Volkswagen,Golf\n"),
    "csv one cell": _filled(b"id,make\n1,", b"x"),
    "csv one quote": _filled(b'id,make\n1,"', b"x,y\n"),
    "csv many cells": _filled(b"id,make\n", b"1,"),
    "csv wide header": _filled(b"id", b",column", b"\n1,2\n"),
    "xml": _filled(b"<cars>", b"<car><make>VW</make><model>Golf</model></car>", b"</cars>"),
    "xml one record": _filled(b"<cars><car>", b"<a>x</a>", b"</car></cars>"),
    "xml one text": _filled(b"<cars><car><a>", b"x"),
    "xml nested": _filled(b"<cars>", b"<car>"),
    "xml attributes": _filled(b"<cars><car ", b'a="x" '),
    "xml comment": _filled(b"<cars><!--", b"x"),
    "html": _filled(b"<html>", b"<p>text</p>"),
    "html one script": _filled(
        b'<html><script type="application/ld+json">{"@type":"Car","a":[', b'"abcd",', b'""]}</script>'
    ),
    "html many scripts": _filled(
        b"<html>", b'<script type="application/ld+json">{"@type":"Car","name":"VW","description":"xxxxxxx"}</script>'
    ),
    "html nodes": _filled(
        b'<html><script type="application/ld+json">[', b'{"@type":"Car","@id":"a"},', b"{}]</script>"
    ),
    "html open tag": _filled(b"<html><script ", b"a='x' "),
    "gzip": lambda size: gzip.compress(_lines(size)),
    "bzip2": lambda size: bz2.compress(_lines(size)),
    "xz": lambda size: lzma.compress(_lines(size), preset=0),
    "zstd": lambda size: zstandard.compress(_lines(size)),
    "zip": lambda size: zip_of({"a.ndjson": _lines(size)}),
    "zeros": lambda size: gzip.compress(bytes(size)),
    "avro": _avro("null"),
    "avro deflate": _avro("deflate"),
    "avro xz": _avro("xz"),
    "avro snappy": _avro("snappy"),
    "noise": os.urandom,
}
