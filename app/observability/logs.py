"""Log events: a static name in the past tense, everything else in fields. JSON for a service, columns on a terminal.

Neither shows payloads or credentials. So tracebacks have no local variables, and of a foreign exception only the class
is told: its text often quotes what it could not digest. Our own errors, and those of the operating system, speak.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import TextIO

import structlog

from app.errors import ListingsError
from app.observability.terminal import plain

_MAX_FRAMES = 20
_NOISY = ("aiokafka", "mode", "faust", "opensearch", "asyncio", "botocore", "boto3", "urllib3")


def configure_logs(log_format: str, level: str) -> None:
    """Send all log events to standard error; `log_format` is `json`, `console`, or `auto` (a terminal decides)."""
    as_json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.ExceptionRenderer(_as_fields), structlog.processors.JSONRenderer()]
        if as_json
        else [_spelt_out, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_as_lines)]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _spelt_out(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {name: plain(value) if isinstance(value, str) else value for name, value in event.items()}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception, then what caused it or was being handled, as Python's own tracebacks tell it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _text(error: BaseException) -> str | None:
    return str(error) if isinstance(error, ListingsError | OSError) else None


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    return list(traceback.extract_tb(error.__traceback__))[-_MAX_FRAMES:]


def _as_fields(exc_info: structlog.typing.ExcInfo) -> list[dict[str, object]]:
    return [
        {
            "type": type(error).__qualname__,
            "message": _text(error),
            "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in _frames(error)],
        }
        for error in _chain(exc_info[1])
    ]


def _as_lines(out: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    for number, error in enumerate(_chain(exc_info[1])):
        out.write("\n" if number == 0 else "\ncaused by ")
        text = _text(error)
        out.write(type(error).__qualname__ + ("" if text is None else f": {text!r}") + "\n")
        out.writelines(f"  {frame.filename}:{frame.lineno} {frame.name}\n" for frame in _frames(error))
