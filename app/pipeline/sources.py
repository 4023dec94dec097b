"""Who may speak for which source: declared by place, held for each listing and for each removal.

A place is a prefix of keys in a bucket, or the topic `listings`. A declared place may speak for its own sources only.
A source that some place is declared for may come from nowhere else. What nobody has declared, source or place, is free.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from app.errors import FailureCode, Problem
from app.pipeline.values.text import excerpt

_ANY = "*"
SourcePattern = Annotated[str, Field(min_length=1, max_length=101)]


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UploadRule(_Declared):
    """Files below a prefix, and the sources they may speak for."""

    bucket: str = Field(_ANY, min_length=1, description="of one bucket, or `*`: of any")
    prefix: str = Field("", description="the beginning of their keys, up to and with a `/`; empty: all of the bucket")
    sources: tuple[SourcePattern, ...] = Field(description="names, or beginnings of names that end in `*`")

    @field_validator("prefix")
    @classmethod
    def _whole_folders(cls, prefix: str) -> str:
        if prefix and not prefix.endswith("/"):
            raise ValueError(f"expected a / at the end, as in {prefix}/: else {prefix}-evil/ would be meant as well")
        return prefix


class TopicRule(_Declared):
    """The sources that may come as single listings on the topic `listings`."""

    sources: tuple[SourcePattern, ...]


class SourceRules(_Declared):
    """All that is declared (`connectors/sources.yaml`)."""

    uploads: tuple[UploadRule, ...] = ()
    topic: TopicRule | None = None

    @model_validator(mode="after")
    def _each_place_once(self) -> SourceRules:
        seen: set[tuple[str, str]] = set()
        for rule in self.uploads:
            if (rule.bucket, rule.prefix) in seen:
                raise ValueError(f"bucket {rule.bucket}, prefix {rule.prefix or '(none)'}: stands twice")
            seen.add((rule.bucket, rule.prefix))
        for pattern in self.patterns():
            if _ANY in pattern[:-1]:
                raise ValueError(f"expected a name of a source, with a * at its end at most, got {pattern}")
        return self

    def patterns(self) -> Iterable[str]:
        for rule in self.uploads:
            yield from rule.sources
        if self.topic is not None:
            yield from self.topic.sources


class Speaker:
    """One place, and what it may speak for."""

    def __init__(self, place: str, own: Iterable[str] | None, claimed: Iterable[str]) -> None:
        """`own` is None for a place that nobody declared; `claimed` are the sources that others are declared for."""
        self._place = place
        self._told = None if own is None else tuple(own)
        self._own = None if own is None else _Names(own)
        self._claimed = _Names(name for name in claimed if name != _ANY)
        self._last: str | None = None

    def may(self, source: str) -> bool:
        """Whether listings of this source may come from here, and be removed from here."""
        if source == self._last:
            return True
        allowed = source not in self._claimed if self._own is None else source in self._own
        if allowed:
            self._last = source
        return allowed

    def refusal(self, source: str) -> Problem:
        """Why a listing of this source is refused."""
        names = "a source that no other place is declared for"
        if self._told is not None:
            names = ", ".join(self._told[:10]) or "none"
        expected = f"a source that {self._place} may speak for ({names}; docs/SECURITY.md)"
        return Problem(FailureCode.SOURCE_NOT_ALLOWED, "source", expected, excerpt(source))


class Sources:
    """The rules, asked by place; without any, everybody may speak for every source."""

    def __init__(self, rules: SourceRules | None = None) -> None:
        self._rules = rules or SourceRules()
        self.declared = bool(self._rules.uploads) or self._rules.topic is not None
        self._claimed = tuple(self._rules.patterns())
        # The longest prefix says most; of one length, a rule for this very bucket.
        self._uploads = sorted(self._rules.uploads, key=lambda rule: (-len(rule.prefix), rule.bucket == _ANY))

    def at(self, bucket: str, key: str) -> Speaker | None:
        """Who speaks in an object; None: whoever it is, nothing is declared."""
        if not self.declared:
            return None
        for rule in self._uploads:
            if rule.bucket in (bucket, _ANY) and key.startswith(rule.prefix):
                return Speaker(f"{bucket}/{rule.prefix}", rule.sources, self._claimed)
        return Speaker(f"{bucket}/{key}", None, self._claimed)

    def on_topic(self, topic: str) -> Speaker | None:
        """Who speaks on the topic of single listings; None as above."""
        if not self.declared:
            return None
        rule = self._rules.topic
        return Speaker(f"topic {topic}", None if rule is None else rule.sources, self._claimed)


class _Names:
    """Names, and beginnings of names; capitals make no other source of one that somebody is declared for."""

    def __init__(self, patterns: Iterable[str]) -> None:
        folded = [_folded(pattern) for pattern in patterns]
        self._whole = frozenset(pattern for pattern in folded if not pattern.endswith(_ANY))
        self._beginnings = tuple(pattern[:-1] for pattern in folded if pattern.endswith(_ANY))

    def __contains__(self, source: str) -> bool:
        name = _folded(source)
        return name in self._whole or name.startswith(self._beginnings)


@lru_cache(maxsize=10_000)
def _folded(name: str) -> str:
    return name.strip().casefold()
