"""What each reader takes for contents made to cost: CPU, memory and the longest step, by size.

    python -m tests.attack.adversarial --sizes 64KiB,512KiB [--reader json] [--worst 40] [--limit 20]

A file is read and mapped as a worker does it, in a process of its own. A step is what a worker does between two turns
of its event loop: the next slice of the file, and its records mapped to documents; with each chunk that the store
sends a turn ends anyway. Time is CPU time of the thread.
Memory is the peak of the process beyond what it had when the content was made; `said` is what the file declared.
"""

from __future__ import annotations

import argparse
import ctypes
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
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

from app.adapters.s3 import CHUNK_MAX_BYTES
from app.errors import Rejected
from app.model.record import Slice
from app.pipeline.parse import FileReader
from app.pipeline.profile import Profile
from app.pipeline.recognise import FileMapper, no_format
from app.pipeline.sniff import hints_from_name
from app.pipeline.transform import Origin
from tests.attack.shapes import PROFILES, Shape, shapes
from tests.support.limits import limits

KIB, MIB = 1024, 1024 * 1024
_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_MOST_CPU_S = 60
"""Unless said otherwise. Then the process of a shape is ended, and what it did not reach is not known."""


class Taken(NamedTuple):
    """CPU seconds in all and of the longest step, and the bytes of memory that the file said it takes."""

    cpu_s: float
    step_s: float
    said_bytes: int


@dataclass(frozen=True)
class Cost:
    """What one content took; None: it was ended, as too much."""

    shape: Shape
    size: int
    taken: Taken | None
    grown_bytes: int


def cost_of(shape: Shape, size: int) -> Taken:
    """Of reading and mapping; the content is made before."""
    return _taken(shape, shape.make(size))


def _taken(shape: Shape, content: bytes) -> Taken:
    profile = None if shape.profile is None else Profile.model_validate({"name": "p", **PROFILES[shape.profile]})
    hints = hints_from_name(shape.key)
    reader = FileReader(
        hints if profile is None else profile.hints(hints), limits(), len(content), scratch=TemporaryFile
    )
    mapper = FileMapper(profile, no_format, "a", Origin("b", shape.key, "e", _NOW), _NOW)
    total = longest = 0.0
    said = 0
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
                    said = max(said, piece.memory)
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
    return Taken(total, longest, said)


def _steps(reader: FileReader, content: bytes) -> Iterator[Slice]:
    for at in range(0, len(content), CHUNK_MAX_BYTES):
        yield from reader.feed(content[at : at + CHUNK_MAX_BYTES])
        yield Slice([], [])
    yield from reader.finish()


def measured(shape: Shape, sizes: Sequence[int], most_cpu_s: int = _MOST_CPU_S) -> Iterator[Cost]:
    """The costs of one shape, each size in a process of its own, up to the first that is too much."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.attack.shapes", "app.pipeline.recognise", "app.pipeline.parse.avro_blocks"])
    for size in sizes:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_measure, args=(shape.reader, shape.name, size, most_cpu_s, theirs))
        process.start()
        theirs.close()
        try:
            taken, grown = ours.recv()
        except EOFError:
            taken, grown = None, 0
        process.join()
        yield Cost(shape, size, taken, grown)
        if taken is None:
            break


def _measure(reader: str, name: str, size: int, most_cpu_s: int, answer: Connection) -> None:
    shape = next(shape for shape in shapes() if (shape.reader, shape.name) == (reader, name))
    cost_of(shape, 1000)  # what is loaded and compiled once
    content = shape.make(size)
    spent = int(time.process_time())
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + most_cpu_s, spent + most_cpu_s + 5))
    before = _peak_from_now()
    taken = _taken(shape, content)
    answer.send((taken, _peak() - before))
    answer.close()


def _peak_from_now() -> int:
    """Forget the peak that making the content had; how much is there now, in bytes."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * KIB


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _size(text: str) -> int:
    number = text.removesuffix("KiB").removesuffix("MiB")
    return int(number) * (MIB if text.endswith("MiB") else KIB)


def main(arguments: Iterable[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="64KiB,512KiB", help="such as 4MiB,64MiB")
    parser.add_argument("--reader", help="one reader only")
    parser.add_argument("--worst", type=int, default=0, help="only so many rows, the longest steps first")
    parser.add_argument("--limit", type=int, default=_MOST_CPU_S, help="CPU seconds for one content")
    given = parser.parse_args(list(arguments))
    sizes = [_size(size) for size in given.sizes.split(",")]
    chosen = (shape for shape in shapes() if given.reader in (None, shape.reader))
    rows: Iterable[Cost] = (cost for shape in chosen for cost in measured(shape, sizes, given.limit))
    if given.worst:
        rows = sorted(rows, key=lambda cost: -(cost.taken.step_s if cost.taken else given.limit))[: given.worst]
    _print(f"{'reader':<10} {'shape':<46} {'size':>8} {'CPU s':>9} {'step ms':>8} {'grown MiB':>9} {'said MiB':>8}")
    for cost in rows:
        size = f"{cost.size // MIB} MiB" if cost.size >= MIB else f"{cost.size // KIB} KiB"
        _print(f"{cost.shape.reader:<10} {cost.shape.name:<46} {size:>8} {_figures(cost, given.limit)}")


def _figures(cost: Cost, limit: int) -> str:
    if cost.taken is None:
        return f"{f'> {limit}':>9}"
    cpu_s, step_s, said = cost.taken
    return f"{cpu_s:>9.3f} {step_s * 1000:>8.1f} {cost.grown_bytes / MIB:>9.1f} {said / MIB:>8.1f}"


if __name__ == "__main__":
    main(sys.argv[1:])
