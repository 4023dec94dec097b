"""A first profile for a file that none is known for, as YAML; what is doubtful in it says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from app.errors import FailureCode, FileRejected
from app.model.record import Limits
from app.observability.terminal import plain
from app.ops.feeds_columns import SeenColumns, bare
from app.ops.feeds_guess.headline import guess_headline
from app.ops.feeds_guess.ids import guess_id
from app.ops.feeds_guess.options import Sender
from app.ops.feeds_guess.place import guess_place
from app.ops.feeds_guess.records import Guess, Records
from app.ops.feeds_guess.rules import guess_fields
from app.ops.feeds_guess.sample import Chunks, Sample, take_sample
from app.ops.feeds_guess.where import defaults
from app.pipeline.profile import TARGETS
from app.pipeline.recognise import Recogniser, no_format

_REQUIRED = ("make", "model", "year")
_UNMAPPED_SHOWN = 60
_EXAMPLE_LENGTH = 60
_PLAIN = re.compile(r"[A-Za-zÀ-ÿ_][A-Za-zÀ-ÿ0-9_ ./-]*[A-Za-zÀ-ÿ0-9_]|[A-Za-z]")
_WORDS_OF_YAML = {"yes", "no", "on", "off", "true", "false", "null", "y", "n", "~"}


def guess_profile(chunks: Chunks, name: str, limits: Limits, recognise: Recogniser = no_format) -> str:
    """The YAML of a profile that can be loaded and reads the file; `FileRejected` when there are no records in it.

    `chunks` opens the file anew, which is read up to a few hundred records; `name`: its name without folders.
    """
    sample = take_sample(chunks, name, limits)
    if not sample.records:
        raise FileRejected(FailureCode.RECORDS_NOT_FOUND, "no record can be read, so nothing can be guessed")
    records = Records(sample.records)
    sender = Sender.of(records)
    found = guess_fields(records, sender)
    parts = _parts(guess_headline(records, found), doubtful=True) | _parts(guess_place(records, found), doubtful=False)
    found["source_listing_id"] = guess_id(records, found)
    form = None if sample.hints.records_path else recognise(sample.records[0])
    known = [] if form is None else [f"# Without any profile it is recognised as {form.name}: is that not enough?"]
    return "".join(f"{line}\n" for line in (*known, *_lines(name, sample, records, found, parts, sender)))


Parts = Mapping[str, tuple[str, str, bool]]
"""Name → column, pattern, and whether it is only a headline."""


def _parts(parts: Mapping[str, tuple[str, str]], *, doubtful: bool) -> dict[str, tuple[str, str, bool]]:
    return {name: (column, pattern, doubtful) for name, (column, pattern) in parts.items()}


def _lines(
    name: str, sample: Sample, records: Records, found: Mapping[str, Guess], parts: Parts, sender: Sender
) -> Iterator[str]:
    slug = re.sub(r"[^a-z0-9]+", "-", name.partition(".")[0].lower()).strip("-") or "sender"
    yield f"# A first guess from {_comment(name)}, by its first {len(records.rows):,} records. Look at every comment."
    yield f"description: {_scalar('First guess from ' + plain(name))}"
    yield f"source: {slug[:80]}   # part of every id: choose it now, never change it"
    yield "match:"
    yield f"  - key: {_scalar(slug[:80] + '/*')}   # where the sender uploads"
    yield ""
    yield from _format(sample)
    yield "# delivery: {kind: full}   # if each file is all that the sender has"
    yield ""
    yield from defaults(records, found, sender)
    if parts:
        yield "parts:"
        for part, (column, pattern, doubtful) in parts.items():
            yield f"  {part}:"
            yield f"    from: {_scalar(column)}"
            yield f"    match: {_scalar(pattern)}"
            if doubtful:
                yield "    doubtful: true"
        yield ""
    yield "fields:"
    for target in TARGETS:
        if target in found:
            yield from _rule(found[target])
    for target in _REQUIRED:
        if target not in found and not (target == "year" and "first_registration" in found):
            yield f"  # {target}: no column found, and required. If all have the same: {{const: …}}"
    yield from _unmapped(sample, found, parts)


def _format(sample: Sample) -> Iterator[str]:
    yield "format:"
    yield f"  type: {sample.format}"
    if sample.hints.encoding is not None:
        yield f"  encoding: {sample.hints.encoding}   # doubtful: not UTF-8; look at the accents"
    if sample.delimiter is not None:
        yield f"  delimiter: {_quoted(sample.delimiter)}"
    if sample.hints.records_path is not None:
        yield f"  records: {_scalar(sample.hints.records_path)}"
    if sample.hints.header is not None:
        yield "  # doubtful: the first row looks like values, so there is no header; name the columns"
        yield f"  header: [{', '.join(map(_scalar, sample.hints.header))}]"


def _rule(guess: Guess) -> Iterator[str]:
    """The short form where there is nothing else to say; doubts as comments above."""
    for doubt in guess.doubts:
        yield f"  # {_comment(doubt)}"
    sources = [_scalar(source) for source in guess.sources]
    listed = sources[0] if len(sources) == 1 else f"[{', '.join(sources)}]"
    options = [f"{name}: {_option(value)}" for name, value in guess.options.items()]
    if not options:
        yield f"  {guess.target}: {listed}"
    else:
        origin = [f"from: {listed}"] if sources else []
        yield f"  {guess.target}: {{{', '.join(origin + options)}}}"


def _option(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_quoted(word)}: {meaning}' for word, meaning in value.items())}}}"
    if isinstance(value, int):
        return str(value)
    return f"[{', '.join(map(_scalar, value))}]" if isinstance(value, list) else _scalar(str(value))


def _unmapped(sample: Sample, found: Mapping[str, Guess], parts: Parts) -> Iterator[str]:
    seen = SeenColumns()
    for record in sample.records:
        seen.add(record)
    used = {source for guess in found.values() for source in guess.sources} | {
        column for column, _, _ in parts.values()
    }
    for guess in found.values():
        used |= set(re.findall(r"\{([^{}?]+)\??\}", str(guess.options.get("template", ""))))
        fingerprint = guess.options.get("fingerprint", [])
        used |= set(fingerprint) if isinstance(fingerprint, list) else set()
    left = [column for column in seen.all() if column.filled and bare(column.path) not in set(map(bare, used))]
    if left:
        yield ""
        yield "# Columns that no field was found for:"
    for column in left[:_UNMAPPED_SHOWN]:
        examples = " | ".join(" ".join(example.split())[:_EXAMPLE_LENGTH] for example in column.examples)
        yield f"#   {_comment(column.path)}: {_comment(examples)}"
    if len(left) > _UNMAPPED_SHOWN:
        yield f"#   … and {len(left) - _UNMAPPED_SHOWN:,} more; listings feeds check shows them"


def _comment(text: str) -> str:
    return plain(text)[:200]


def _scalar(text: str) -> str:
    """The text as YAML, quoted where YAML, or a reader, could take it for something else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML:
        return text
    if "'" not in text and text.isprintable():
        return f"'{text}'"
    return _quoted(text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    spelt = "".join(c if c.isprintable() else f"\\U{ord(c):08x}" if c != "\t" else "\\t" for c in escaped)
    return f'"{spelt}"'
