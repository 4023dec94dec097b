"""Whether Python's `re` can run a pattern in linear time: told from the automaton of the pattern, without a text.

A backtracking engine is slow where a text can be read in many ways and then fails. Two readings of one word that lead
from a loop to another (or to itself) are what makes their number grow (Weideman et al., "Analyzing Matching Time
Behavior of Backtracking Regular Expression Matchers", 2016). A search is a loop over all characters before the pattern.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from re import _constants as c  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from app.pipeline.code_points import LAST, Ranges
from app.pipeline.pattern import characters

MOST_STATES = 150
"""More are not looked at."""


class _Automaton:
    def __init__(self, pattern: str | bytes, flags: int, search: bool) -> None:
        tree = _parser.parse(pattern, flags)
        self._flags = tree.state.flags | (re.ASCII if isinstance(pattern, bytes) else 0)
        self._groups: dict[int, Any] = {}
        self.edges: list[tuple[int, Ranges, int]] = []
        self.empty: list[tuple[int, int, bool]] = []
        """(from, to, whether it may fail)."""
        self.count = 0
        self.start = self._state()
        begin = self.start
        if search and not _is_anchored(tree, self._flags):
            self.edges.append((begin, ((0, LAST),), begin))
        self.accept = self._sequence(tree, self._step(begin), self._flags)

    def _state(self) -> int:
        self.count += 1
        return self.count - 1

    def _step(self, at: int, may_fail: bool = False) -> int:
        new = self._state()
        self.empty.append((at, new, may_fail))
        return new

    def _sequence(self, nodes: Iterable[tuple[Any, Any]], at: int, flags: int) -> int:
        for op, value in nodes:
            at = self._node(op, value, at, flags)
        return at

    def _node(self, op: Any, value: Any, at: int, flags: int) -> int:
        if op is c.AT:
            return self._step(at, may_fail=True)
        if op in (c.ASSERT, c.ASSERT_NOT):
            self._sequence(value[1], self._step(at), flags)
            return self._step(at, may_fail=True)
        if op is c.BRANCH:
            end = self._state()
            for branch in value[1]:
                self.empty.append((self._sequence(branch, self._step(at), flags), end, False))
            return end
        if op is c.SUBPATTERN:
            group, added, removed, inner = value
            self._groups[group] = inner
            return self._sequence(inner, at, (flags | added) & ~removed)
        if op is c.ATOMIC_GROUP:
            return self._sequence(value, at, flags)
        if op is c.GROUPREF:
            return self._sequence(self._groups[value], at, flags)
        if op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            return self._repeat(value, at, flags)
        end = self._state()
        self.edges.append((at, characters(op, value, flags), end))
        return end

    def _repeat(self, value: Any, at: int, flags: int) -> int:
        least, most, inner = value
        if least:
            at = self._sequence(inner, at, flags)
        if most is not c.MAXREPEAT:  # so many times at most: a factor, no growth
            if not least:
                end = self._sequence(inner, self._step(at), flags)
                self.empty.append((at, end, False))
                return end
            return at
        loop = self._step(at)
        self.empty.append((self._sequence(inner, self._step(loop), flags), loop, False))
        return self._step(loop)


def _is_anchored(tree: Any, flags: int) -> bool:
    return (
        bool(len(tree))
        and tree[0][0] is c.AT
        and tree[0][1] in (c.AT_BEGINNING, c.AT_BEGINNING_STRING)
        and (not flags & re.MULTILINE)
    )


def is_linear(pattern: str | bytes, flags: int = 0, *, search: bool = True, whole: bool = False) -> bool | None:
    """True: proved. False: some text may take time by its square, or worse. None: too big to be looked at.

    `search`: it is looked for at every place of a text (search, sub, finditer, …), not only at one; `whole`: it has to
    match to the text's end.
    """
    automaton = _Automaton(pattern, flags, search)
    if automaton.count > MOST_STATES:
        return None
    steps, safe = _without_empty(automaton, whole)
    return not any(True for _ in _growing(steps, safe))


_Steps = dict[int, dict[int, set[int]]]
"""State → letter → states."""


def _without_empty(automaton: _Automaton, whole: bool) -> tuple[_Steps, set[int]]:
    """The steps by letters, each standing for all characters that the pattern can not tell apart; and the states in
    which the match has succeeded already."""
    after: dict[int, set[int]] = defaultdict(set)
    sure: dict[int, set[int]] = defaultdict(set)
    for source, target, may_fail in automaton.empty:
        after[source].add(target)
        if not may_fail:
            sure[source].add(target)
    bounds = sorted({0, *(e for _, given, _ in automaton.edges for a, b in given for e in (a, b + 1))} - {LAST + 1})
    letters: dict[frozenset[int], int] = {}
    steps: _Steps = defaultdict(lambda: defaultdict(set))
    for code in bounds:
        usable = frozenset(
            n for n, (_, given, _) in enumerate(automaton.edges) if any(a <= code <= b for a, b in given)
        )
        letters.setdefault(usable, code)
    by_source: dict[int, list[int]] = defaultdict(list)
    for number, (source, _, _) in enumerate(automaton.edges):
        by_source[source].append(number)
    for state in range(automaton.count):
        near = _closure(state, after)
        for usable, letter in letters.items():
            for source in near:
                for number in by_source[source]:
                    if number in usable:
                        steps[state][letter].add(automaton.edges[number][2])
    safe = set() if whole else {s for s in range(automaton.count) if automaton.accept in _closure(s, sure)}
    return steps, safe


def _closure(state: int, after: dict[int, set[int]]) -> set[int]:
    found, waiting = {state}, [state]
    while waiting:
        for target in after.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def _growing(steps: _Steps, safe: set[int]) -> Iterator[tuple[int, int]]:
    """Pairs of loops with one word that stays in each of them and leads from the first to the second."""
    reach = {state: _closure(state, {s: set().union(*by.values()) for s, by in steps.items()}) for state in list(steps)}
    loops = [s for s in steps if any(s in reach.get(t, ()) for by in steps[s].values() for t in by)]
    for first in loops:
        for second in loops:
            if second in safe or second not in reach[first]:
                continue
            if first == second:
                grows = _twice(steps, first, reach)
            else:
                grows = _leads(steps, (first, first, second), (first, second, second), reach)
            if grows:
                yield first, second


def _leads(steps: _Steps, start: tuple[int, int, int], goal: tuple[int, int, int], reach: dict[int, set[int]]) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        a, b, d = waiting.pop()
        for letter in steps[a].keys() & steps[b].keys() & steps[d].keys():
            for x in steps[a][letter]:
                if goal[0] not in reach.get(x, ()):
                    continue
                for z in steps[d][letter]:
                    if goal[2] not in reach.get(z, ()):
                        continue
                    for y in steps[b][letter]:
                        now = (x, y, z)
                        if now == goal:
                            return True
                        if now not in seen and goal[1] in reach.get(y, ()):
                            seen.add(now)
                            waiting.append(now)
    return False


def _twice(steps: _Steps, state: int, reach: dict[int, set[int]]) -> bool:
    """Two different ways from a state to itself with one word."""
    seen, waiting = {(state, state, False)}, [(state, state, False)]
    while waiting:
        a, b, apart = waiting.pop()
        for letter in steps[a].keys() & steps[b].keys():
            for x in steps[a][letter]:
                for y in steps[b][letter]:
                    now = (x, y, apart or x != y)
                    if now == (state, state, True):
                        return True
                    if now not in seen and state in reach.get(x, ()) and state in reach.get(y, ()):
                        seen.add(now)
                        waiting.append(now)
    return False
