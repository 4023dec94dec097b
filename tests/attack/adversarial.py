"""What each reader takes for contents made to cost: CPU, memory and the longest step, by size.

    python -m tests.attack.adversarial --sizes 64KiB,512KiB [--reader json] [--worst 40]

A file is read and mapped as a worker does it, in a process of its own. A step is what a worker does between two turns
of its event loop: the next slice of the file, and its records mapped to documents. Time is CPU time of the thread.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import resource
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection

from app.errors import Rejected
from app.pipeline.parse import FileReader
from app.pipeline.profile import Profile
from app.pipeline.recognise import FileMapper, no_format
from app.pipeline.sniff import hints_from_name
from app.pipeline.transform import Origin
from tests.attack.shapes import PROFILES, Shape, shapes
from tests.support.limits import limits

KIB, MIB = 1024, 1024 * 1024
_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_CHUNK_BYTES = 1 * MIB
_MOST_CPU_S = 60
"""Then the process of a shape is ended, and what it did not reach is not known."""


@dataclass(frozen=True)
class Cost:
    """What one content took; None: it was ended after `_MOST_CPU_S`."""

    shape: Shape
    size: int
    cpu_s: float | None
    step_s: float
    grown_bytes: int


def cost_of(shape: Shape, size: int) -> tuple[float, float]:
    """(CPU seconds, CPU seconds of the longest step) of reading and mapping; the content is made before."""
    content = shape.make(size)
    profile = None if shape.profile is None else Profile.model_validate({"name": "p", **PROFILES[shape.profile]})
    hints = hints_from_name(shape.key)
    reader = FileReader(hints if profile is None else profile.hints(hints), limits(), len(content))
    mapper = FileMapper(profile, no_format, "a", Origin("b", shape.key, "e", _NOW), _NOW)
    total = longest = 0.0
    gc.collect()
    gc.freeze()  # as a worker does when it starts
    thresholds = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        steps = _steps(reader, content)
        while True:
            started = time.thread_time()
            try:
                piece = next(steps, None)
                if piece is not None:
                    mapper.map_all(piece.records)
            finally:
                took = time.thread_time() - started
                total, longest = total + took, max(longest, took)
            if piece is None:
                break
    except Rejected:
        pass
    finally:
        reader.close()
        gc.set_threshold(*thresholds)
        gc.unfreeze()
    return total, longest


def _steps(reader: FileReader, content: bytes) -> Iterator:  # type: ignore[type-arg]
    for at in range(0, len(content), _CHUNK_BYTES):
        yield from reader.feed(content[at : at + _CHUNK_BYTES])
    yield from reader.finish()


def measured(shape: Shape, sizes: Sequence[int]) -> list[Cost]:
    """The costs of one shape, each size in a process of its own."""
    costs = []
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.attack.shapes", "app.pipeline.recognise", "app.pipeline.parse.avro_blocks"])
    for size in sizes:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_measure, args=(shape.reader, shape.name, size, theirs))
        process.start()
        theirs.close()
        try:
            cpu_s, step_s, grown = ours.recv()
        except EOFError:
            cpu_s, step_s, grown = None, float(_MOST_CPU_S), 0
        process.join()
        costs.append(Cost(shape, size, cpu_s, step_s, grown))
        if cpu_s is None:
            break
    return costs


def _measure(reader: str, name: str, size: int, answer: Connection) -> None:
    shape = next(shape for shape in shapes() if (shape.reader, shape.name) == (reader, name))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_CPU_S, _MOST_CPU_S + 5))
    cost_of(shape, 1000)  # what is loaded and compiled once
    shape.make(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu_s, step_s = cost_of(shape, size)
    answer.send((cpu_s, step_s, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * KIB))
    answer.close()


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


def _size(text: str) -> int:
    number = text.removesuffix("KiB").removesuffix("MiB")
    return int(number) * (MIB if text.endswith("MiB") else KIB)


def main(arguments: Iterable[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="64KiB,512KiB", help="such as 4MiB,64MiB")
    parser.add_argument("--reader", help="one reader only")
    parser.add_argument("--worst", type=int, default=0, help="only so many rows, the longest steps first")
    given = parser.parse_args(list(arguments))
    sizes = [_size(size) for size in given.sizes.split(",")]
    rows = []
    for shape in shapes():
        if given.reader in (None, shape.reader):
            rows += measured(shape, sizes)
    if given.worst:
        rows = sorted(rows, key=lambda cost: -cost.step_s)[: given.worst]
    _print(f"{'reader':<10} {'shape':<46} {'size':>8} {'CPU s':>9} {'step ms':>8} {'grown MiB':>9}")
    for cost in rows:
        cpu = f"> {_MOST_CPU_S}" if cost.cpu_s is None else f"{cost.cpu_s:.3f}"
        size = f"{cost.size // MIB} MiB" if cost.size >= MIB else f"{cost.size // KIB} KiB"
        _print(
            f"{cost.shape.reader:<10} {cost.shape.name:<46} {size:>8} {cpu:>9} {cost.step_s * 1000:>8.1f} "
            f"{cost.grown_bytes / MIB:>9.1f}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
