"""Text: cleaning, folded keys, HTML to plain text, contact details taken out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from html import unescape

from app.model.listing import ARRAY_MAX, URL_MAX

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]+")
_BLANKS = re.compile(r"\s+")
_ACCENTED = re.compile("([A-Za-z\u0370-\u03ff])[\u0300-\u036f]+")
_NOT_WORD = re.compile(r"[\W_]+")
_LINE_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")

_BREAK = re.compile(r"<(?:br|/?p|/?div|/?li|/?ul|/?ol|/?tr|/?table|/?h[1-6])\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")
_HIDDEN = re.compile(r"<(?:(script|style|noscript|template|iframe|object)\b|(!--))", re.IGNORECASE)
_HIDDEN_ENDS = {
    name: re.compile(rf"</{name}[^<>]*>", re.IGNORECASE)
    for name in ("script", "style", "noscript", "template", "iframe", "object")
} | {"!--": re.compile("-->")}
_HTML_MAX = 50_000

NULL_WORDS: frozenset[str] = frozenset(
    {
        "",
        "-",
        "--",
        "–",
        "—",
        "_",
        ".",
        "?",
        "n/a",
        "n.a.",
        "#n/a",
        "none",
        "null",
        "nil",
        "nan",
        "undefined",
        "unknown",
    }
)
"""Folded words that senders write for "not known"."""


def clean(text: str) -> str:
    """One line: control characters removed, runs of blanks (any of Unicode's) made one."""
    return _BLANKS.sub(" ", _CONTROL.sub("", text)).strip()


def clean_lines(text: str) -> str:
    """As `clean`, but line breaks stay (never two in a row)."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _LINES.sub("\n", _LINE_BLANKS.sub(" ", text)).strip()


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """The key under which spellings meet: no case, no accents, words joined by "-"; for makes, models, colours.

    Compatibility forms are decomposed (Unicode UAX #15, NFKD) and marks on Latin and Greek letters dropped, so
    `Citroën` is `citroen`; in other scripts they make another letter (`й` is no `и`).
    """
    plain = unicodedata.normalize("NFC", _ACCENTED.sub(r"\1", unicodedata.normalize("NFKD", text))).casefold()
    return _NOT_WORD.sub("-", plain).strip("-") or plain.strip()


def is_null(text: str) -> bool:
    """True for the words that mean "not known" whoever writes them."""
    return text.strip().casefold() in NULL_WORDS


def to_text(html: str) -> str:
    """Plain text of an HTML fragment: tags, comments, scripts and styles gone, entities decoded, breaks kept.

    Markup that was escaped once more (`&lt;b&gt;`) is markup still: feeds do that, and a page must not run it. Only
    the first 50,000 characters are looked at. Linear in the length whatever the input.
    """
    text = _CONTROL.sub("", html[:_HTML_MAX])
    for _ in range(3):
        plain = _CONTROL.sub("", unescape(_without_tags(text)))
        if plain == text:
            break
        text = plain
    else:
        text = text.replace("<", " ").replace(">", " ")
    return clean_lines(text)


def _without_tags(text: str) -> str:
    return _TAG.sub(" ", _BREAK.sub("\n", _without_hidden(text))) if "<" in text else text


def _without_hidden(text: str) -> str:
    """Leave out comments and elements whose content is not text; an open end swallows the rest, as in a browser."""
    kept: list[str] = []
    at = 0
    while (start := _HIDDEN.search(text, at)) is not None:
        kept.append(text[at : start.start()])
        end = _HIDDEN_ENDS[(start[1] or start[2]).casefold()].search(text, start.end())
        if end is None:
            return " ".join(kept)
        at = end.end()
    kept.append(text[at:])
    return " ".join(kept)


_SHOUTED = re.compile(r"[^\W\d_]{4,}")


def unshouted(text: str) -> str:
    """Words in capitals as names ("HONDA CIVIC LX" → "Honda Civic LX"); words of three letters may be codes."""
    return _SHOUTED.sub(lambda word: word[0].capitalize(), text) if text.isupper() else text


def shorten(text: str, longest: int) -> str:
    """At most `longest` characters, cut at a blank where one is near."""
    if len(text) <= longest:
        return text
    cut = text[:longest]
    blank = cut.rfind(" ", longest - 40)
    return (cut[:blank] if blank > 0 else cut).rstrip()


def excerpt(value: object) -> str:
    """A refused value for a message: at most 80 characters, one line, encodable."""
    text = value if isinstance(value, str) else _as_text(value)
    text = clean(text[:400].encode("utf-8", "replace").decode())
    return text if len(text) <= 80 else text[:79] + "…"


def _as_text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        return "an integer of more than 77 digits"
    return str(value)


_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_PHONE = re.compile(r"(?<![\w/.-])(?:\+|00)?\(?[0-9](?:[ ()./-]{0,3}[0-9]){8,14}(?![\w-])")


def without_contacts(text: str) -> str:
    """E-mail addresses and telephone-like numbers (9 to 15 digits, E.164's length) taken out."""
    return _PHONE.sub("…", _MAIL.sub("…", text))


_HTTP = re.compile(r"https?://[^\s/?#\\@]+(?:[/?#]\S*)?", re.IGNORECASE)


def is_http(url: str) -> bool:
    """An absolute http or https address with a host, without blanks and without user names (RFC 3986)."""
    return _HTTP.fullmatch(url) is not None


def http_urls(urls: Iterable[str], most: int = ARRAY_MAX) -> list[str]:
    """The http(s) addresses among `urls`, each once, in their order, at most `most` of them."""
    return [url for url in dict.fromkeys(urls) if len(url) <= URL_MAX and is_http(url)][:most]
