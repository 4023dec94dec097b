"""`listings upload FILE…`: put files into the bucket, as a producer would, and see what becomes of them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TransferSpeedColumn

from app.adapters.opensearch.outcomes import outcome_lookup
from app.adapters.s3 import S3Store
from app.cli.output import Output, console_err, output_option, print_json, print_table
from app.model.outcome import FileOutcome
from app.ops.upload import Concluded, Uploaded, object_keys, upload_files, wait_for_outcomes
from app.settings import Settings, load_settings


@click.command("upload")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--bucket", help="One of LISTINGS_S3__BUCKETS; the first by default.")
@click.option("--prefix", default=None, help="Put before each file's name; LISTINGS_S3__PREFIX by default.")
@click.option("--wait", is_flag=True, help="Wait until each file is processed, and show what became of it.")
@click.option("--timeout", default=120.0, show_default=True, type=click.FloatRange(min=0), help="Seconds to wait.")
@output_option
def command(
    files: tuple[Path, ...], bucket: str | None, prefix: str | None, wait: bool, timeout: float, output: str
) -> None:
    """Upload FILES to the bucket; exit code 1 when one could not be uploaded, was rejected or was not done in time."""
    settings = load_settings()
    target = bucket or settings.s3.buckets[0]
    keys = object_keys(files, settings.s3.prefix if prefix is None else prefix)
    uploaded, concluded = asyncio.run(_run(settings, target, keys, timeout if wait else None))
    if output == Output.JSON:
        print_json([_as_json(item, _outcome_of(item, concluded)) for item in uploaded])
    else:
        _show(uploaded, concluded, wait)
    failed = any(item.error for item in uploaded) or any(not _is_good(item) for item in concluded)
    sys.exit(1 if failed else 0)


async def _run(
    settings: Settings, bucket: str, keys: dict[Path, str], timeout_s: float | None
) -> tuple[list[Uploaded], list[Concluded]]:
    with _progress() as progress:
        sending = progress.add_task("uploading", total=sum(path.stat().st_size for path in keys))
        uploaded = await upload_files(S3Store(settings.s3), bucket, keys, lambda size: progress.advance(sending, size))
    if timeout_s is None:
        return uploaded, []
    concluded: list[Concluded] = []
    with Progress(
        TextColumn("processing"), BarColumn(), MofNCompleteColumn(), console=console_err(), transient=True
    ) as progress:
        done = progress.add_task("", total=sum(item.info is not None for item in uploaded))
        async with outcome_lookup(settings.opensearch) as lookup:
            async for item in wait_for_outcomes(uploaded, lookup, timeout_s):
                concluded.append(item)
                progress.advance(done)
    return uploaded, concluded


def _progress() -> Progress:
    """On standard error, so that the output stays clean for pipes."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console_err(),
        transient=True,
    )


def _is_good(item: Concluded) -> bool:
    return item.outcome is not None and item.outcome.failure_code is None


def _outcome_of(item: Uploaded, concluded: Sequence[Concluded]) -> Concluded | None:
    return next((found for found in concluded if found.uploaded is item), None)


def _show(uploaded: Sequence[Uploaded], concluded: Sequence[Concluded], wait: bool) -> None:
    if not wait:
        rows = [(i.path, f"{i.info.bucket}/{i.info.key}" if i.info else None, _told(i, None)) for i in uploaded]
        print_table(("file", "object", "result"), rows)
        return
    rows_ = []
    for item in uploaded:
        found = _outcome_of(item, concluded)
        outcome = found.outcome if found else None
        counts = (outcome.read, outcome.indexed, outcome.rejected) if outcome else (None, None, None)
        waited = f"{found.waited_s:.1f} s" if found and outcome else None
        rows_.append((item.path, _told(item, found), *counts, waited, _why(item, outcome)))
    columns = ("file", "result", "read", "indexed", "rejected", "after", "why")
    print_table(columns, rows_, right=("read", "indexed", "rejected", "after"))


def _told(item: Uploaded, found: Concluded | None) -> str:
    if item.error is not None:
        return "not uploaded"
    if found is None:
        return "uploaded"
    return str(found.outcome.status) if found.outcome else "not processed in time: is a worker running?"


def _why(item: Uploaded, outcome: FileOutcome | None) -> str | None:
    if item.error is not None:
        return item.error.message
    if outcome is None:
        return None
    if outcome.failure_message is not None:
        return outcome.failure_message
    return "; ".join(
        f"record {reject.record}: {'; '.join(map(str, reject.problems))}" for reject in outcome.rejects[:3]
    )


def _as_json(item: Uploaded, found: Concluded | None) -> dict[str, object]:
    outcome = found.outcome if found else None
    return {
        "file": str(item.path),
        "bucket": item.info.bucket if item.info else None,
        "key": item.info.key if item.info else None,
        "etag": item.info.etag if item.info else None,
        "uploaded_at": item.info.uploaded_at if item.info else None,
        "result": _told(item, found),
        "error": item.error.message if item.error else None,
        "waited_s": round(found.waited_s, 3) if found and outcome else None,
        "outcome": asdict(outcome) if outcome else None,
    }
