"""Long fuzzing, for hours if wanted: `python -m tests.fuzz --seconds 3600 [--only files] [--seed 1]`.

Inputs are seeds and findings, damaged at random. What breaks a rule is made smaller and kept in `tests/fuzz/findings/`,
where `test_corpus.py` runs it for ever after; the exit code is 1 then. Memory must not grow: it is told at the end, and
judged.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections import Counter

import psutil
import structlog

from tests.fuzz.corpus import findings, keep
from tests.fuzz.inputs import Input, Stalled
from tests.fuzz.mutate import damage
from tests.fuzz.targets import TARGETS, Target

_GROWTH_MAX_MIB = 100.0
_TELL_S = 60.0
_TRIES = 3


def breaks(target: Target, case: Input) -> BaseException | None:
    """What the input breaks; a stall only counts when it comes every time: other processes also hold one up."""
    problem: BaseException | None = None
    for _ in range(_TRIES):
        try:
            target.run(case)
        except Stalled as stalled:
            problem = stalled
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            return error
        else:
            return None
    return problem


def smaller(target: Target, case: Input, problem: BaseException, seconds: float = 20.0) -> Input:
    """The input with everything left out that the same kind of problem does not need."""
    deadline = time.monotonic() + seconds
    step = len(case.data) // 2
    while step >= 1:
        at = 0
        while at < len(case.data) and time.monotonic() < deadline:
            less = Input(case.name, case.data[:at] + case.data[at + step :])
            found = breaks(target, less)
            if found is not None and type(found) is type(problem):
                case = less
            else:
                at += step
        step //= 2
    return case


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", choices=TARGETS)
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    arguments = parser.parse_args()
    seed = arguments.seed or random.SystemRandom().randrange(1, 2**32)
    sys.exit(1 if fuzz(seed, arguments.seconds, [arguments.only] if arguments.only else list(TARGETS)) else 0)


def fuzz(seed: int, seconds: float, names: list[str]) -> int:
    """Returns the number of findings."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    drawn = random.Random(seed)
    seeds = {name: TARGETS[name].seeds() + findings(name) for name in names}
    pieces = {name: [case.data for case in cases] for name, cases in seeds.items()}
    runs, found = Counter[str](), Counter[str]()
    process = psutil.Process()
    began, told, before = time.monotonic(), 0.0, 0.0
    while (passed := time.monotonic() - began) < seconds:
        name = drawn.choice(names)
        case = drawn.choice(seeds[name])
        case = Input(case.name, damage(drawn, case.data, pieces[name]))
        problem = breaks(TARGETS[name], case)
        runs[name] += 1
        if problem is not None:
            kind = f"{name}: {type(problem).__name__}: {str(problem)[:100]}"
            found[kind] += 1
            if found[kind] <= 3:
                path = keep(name, smaller(TARGETS[name], case, problem))
                print(f"FOUND {kind} ({path.name})", flush=True)  # noqa: T201
        if passed - told > _TELL_S or not told:
            told = passed or 1e-9
            memory = process.memory_info().rss / 2**20
            before = before or (memory if passed > min(60.0, seconds / 3) else 0.0)
            print(f"{passed:6.0f} s  {dict(runs)}  {sum(found.values())} found  {memory:.0f} MiB", flush=True)  # noqa: T201
    growth = process.memory_info().rss / 2**20 - before if before else 0.0
    print(f"seed {seed}: {dict(runs)} in {seconds:.0f} s, {dict(found)}, grew by {growth:.0f} MiB")  # noqa: T201
    return sum(found.values()) + int(growth > _GROWTH_MAX_MIB)


if __name__ == "__main__":
    main()
