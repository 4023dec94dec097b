"""Profiles from `connectors/feeds/*.yaml`, and well-known formats from its folder `well-known`: read and checked.

Every mistake is told with file, line and field. Every scalar is taken as text (so `NO` is Norway and `0123` keeps its
zero); the declarations say what is a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from app.adapters.yaml_nodes import composed
from app.errors import FailureCode, OperatorError
from app.pipeline.profile import Profile, Profiles
from app.pipeline.profile_checks import Loc, problems
from app.pipeline.recognise import WellKnownFormats
from app.pipeline.well_known import WellKnown

P = TypeVar("P", bound=Profile)


class _Mistake(Exception):
    """One file's mistakes, as `line: field: sentence`."""

    def __init__(self, lines: list[tuple[int, str]]) -> None:
        super().__init__()
        self.lines = lines


def load_profiles(folder: Path) -> Profiles:
    """All profiles of a folder; `OperatorError(DECLARATION_INVALID)` lists every mistake of every file."""
    return Profiles(_load_all(folder, Profile))


def load_well_known(folder: Path) -> WellKnownFormats:
    """All formats of a folder, which may be missing; `OperatorError(DECLARATION_INVALID)` as above."""
    return WellKnownFormats(_load_all(folder, WellKnown) if folder.is_dir() else ())


def _load_all(folder: Path, kind: type[P]) -> list[P]:
    if not folder.is_dir():
        raise OperatorError(FailureCode.DECLARATION_INVALID, f"{folder}: expected a folder of profiles (*.yaml)")
    profiles: list[P] = []
    mistakes: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            profiles.append(_load(path, kind))
        except _Mistake as mistake:
            mistakes += [f"{path}:{line}: {sentence}" for line, sentence in sorted(mistake.lines)]
    if mistakes:
        raise OperatorError(FailureCode.DECLARATION_INVALID, "\n".join(mistakes))
    return profiles


def load_profile(path: Path) -> Profile:
    """One profile; `OperatorError(DECLARATION_INVALID)` with every mistake in it."""
    return _load_one(path, Profile)


def load_either(path: Path) -> Profile:
    """A sender's profile, or a well-known format: what the file declares itself to be; errors as above."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise OperatorError(FailureCode.DECLARATION_INVALID, f"{path}: can not be read: {error.strerror}") from error
    return _load_one(path, WellKnown if re.search(r"^recognise:", text, re.MULTILINE) else Profile)


def _load_one(path: Path, kind: type[P]) -> P:
    try:
        return _load(path, kind)
    except _Mistake as mistake:
        told = "\n".join(f"{path}:{line}: {sentence}" for line, sentence in sorted(mistake.lines))
        raise OperatorError(FailureCode.DECLARATION_INVALID, told) from mistake


def _load(path: Path, kind: type[P]) -> P:
    try:
        text = path.read_text(encoding="utf-8")
        root = composed(text)
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        raise _Mistake([(line, f"expected YAML: {error.problem}")]) from error
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise _Mistake([(1, f"expected YAML in UTF-8: {error}")]) from error
    if not isinstance(root, yaml.MappingNode):
        raise _Mistake([(1, "expected a mapping with source, match, fields, …")])
    twice = list(repeated(root))
    if twice:
        raise _Mistake(twice)
    try:
        profile = kind.model_validate({**plain(root), "name": path.stem})
    except ValidationError as error:
        raise _Mistake([sentence(root, e["loc"], e["msg"]) for e in error.errors(include_url=False)]) from error
    wrong = [sentence(root, place, message) for place, message in problems(profile)]
    if wrong:
        raise _Mistake(wrong)
    return profile


def plain(node: yaml.Node) -> Any:
    """The node as dicts, lists and text; an empty scalar is an empty text."""
    if isinstance(node, yaml.MappingNode):
        return {plain(key): plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [plain(entry) for entry in node.value]
    return node.value


def repeated(node: yaml.Node) -> Iterator[tuple[int, str]]:
    """Keys that stand twice in one mapping, which YAML would let the last one win; and keys that are no text."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                yield key.start_mark.line + 1, "expected text as a key"
                continue
            if key.value in seen:
                yield key.start_mark.line + 1, f"{key.value}: stands twice"
            seen.add(key.value)
            yield from repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            yield from repeated(entry)


def sentence(root: yaml.Node, place: Loc, message: str) -> tuple[int, str]:
    """Line (1-based) and sentence for a mistake; the place is followed as far as the file goes."""
    node, line, names = root, root.start_mark.line, []
    for part in place:
        names.append(str(part))
        found = _child(node, part)
        if found is None:
            break
        node, line = found
    field = ".".join(name for name in names if not name.startswith("[")) or "the file"
    return line + 1, f"{field}: {message.removeprefix('Value error, ')}"


def _child(node: yaml.Node, part: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(part):
                return value, key.start_mark.line
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part].start_mark.line
    return None
