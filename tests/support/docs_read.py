"""Reads the project's Markdown pages as their readers do: links, code blocks, commands, names."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.docs import PROJECT

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CALL = re.compile(r"(?:^|[\s;&|(])(?:\.venv/bin/)?(listings [a-z][^)\n]*)")
_WORDS = re.compile(r"[a-z][a-z|]*")


def all_pages() -> list[Path]:
    """Every Markdown page of the project."""
    folders = ("docs", "connectors", "schemas", "topics")
    return [
        *sorted(PROJECT.glob("*.md")),
        *(page for name in folders for page in sorted((PROJECT / name).rglob("*.md"))),
    ]


def name_of(page: Path) -> str:
    return str(page.relative_to(PROJECT))


def blocks(text: str, language: str) -> list[str]:
    """The code blocks in one language, without the indentation of the list that they stand in."""
    return [
        re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)
        for indent, found, body in _FENCE.findall(text)
        if found == language
    ]


def links(text: str) -> list[str]:
    """The targets of all links, code left out."""
    return _LINK.findall(_SPAN.sub("", _FENCE.sub("", text)))


def anchors(text: str) -> set[str]:
    """What a link to a heading of the page may end with, as GitHub makes it of the heading."""
    headings = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(_FENCE.sub("", text)))
    return {heading.replace(" ", "-") for heading in headings}


def calls(text: str) -> Iterator[list[str]]:
    """The words of every call of `listings`, in shell blocks and in code spans; `a|b` in a span gives two calls."""
    lines = [line for body in blocks(text, "sh") for line in body.splitlines()]
    for line in lines:
        if found := _CALL.search(line.partition(" #")[0]):
            yield shlex.split(found[1].replace('"', ""))[1:]
    for span in _SPAN.findall(_FENCE.sub("", text)):
        if (found := _CALL.match(span)) and _WORDS.match(words := found[1].partition(" ")[2]):
            noun, *rest = shlex.split(words)
            for verb in rest[0].split("|") if rest else ():
                yield [noun, verb, *rest[1:]]
            if not rest:
                yield [noun]


def requests(text: str) -> dict[str, dict[str, Any]]:
    """The parameters of every search in the page's shell blocks, by the stored search that it names."""
    bodies = [json.loads(body) for shell in blocks(text, "sh") for body in re.findall(r"-d '\n(.*?)'$", shell, re.S)]
    return {body["id"]: body["params"] for body in bodies}


def words(text: str, pattern: str) -> set[str]:
    """Every match of a pattern as a whole word."""
    return set(re.findall(rf"(?<![\w.-]){pattern}(?![\w-]|\.\w)", text))
