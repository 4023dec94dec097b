"""A YAML file as nodes, of a size that can be gone through: what somebody wrote, not what expands or never ends."""

from __future__ import annotations

from typing import Any

import yaml

_MOST_LEVELS = 50
_MOST_NODES = 100_000
"""Counted with each use of an alias: ten lines of aliases can stand for millions."""
_MOST_BYTES = 4 * 1024 * 1024


def composed(text: str) -> yaml.Node | None:
    """The root node; None for an empty file. Raises `yaml.YAMLError`, and nothing else, for what can not be used."""
    if len(text) > _MOST_BYTES:
        raise yaml.YAMLError(f"a file of at most {_MOST_BYTES:,} characters")
    try:
        _check_levels(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OverflowError, ValueError) as error:
        raise yaml.YAMLError("an escaped character that there is not") from error
    if root is not None:
        _check_nodes(root)
    return root


def _check_levels(text: str) -> None:
    """The parser goes down by a loop, the composer by calling itself."""
    level = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1
        if level > _MOST_LEVELS:
            raise _refused(f"at most {_MOST_LEVELS} levels", event.start_mark)


def _check_nodes(root: yaml.Node) -> None:
    left = _MOST_NODES
    waiting = [(root, 0)]
    while waiting:
        node, level = waiting.pop()
        left -= 1
        if left < 0 or level > _MOST_LEVELS:
            expected = f"at most {_MOST_NODES:,} values and {_MOST_LEVELS} levels, with its aliases written out"
            raise _refused(expected, node.start_mark)
        if isinstance(node, yaml.MappingNode):
            waiting += ((part, level + 1) for pair in node.value for part in pair)
        elif isinstance(node, yaml.SequenceNode):
            waiting += ((part, level + 1) for part in node.value)
        elif any("\ud800" <= character <= "\udfff" for character in node.value):
            raise _refused("whole characters; half of a surrogate pair is none", node.start_mark)


def _refused(expected: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=expected, problem_mark=mark)
