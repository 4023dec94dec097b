"""`listings worker`: run one worker in the foreground until SIGTERM or Ctrl-C."""

from __future__ import annotations

import click

from app.bootstrap import run_worker
from app.settings import load_settings


@click.command("worker")
def command() -> None:
    """Run a worker: gate, files, listings, retries and alerts in one process.

    Start as many as there are partitions to share. SIGTERM drains: what is being processed is finished and
    acknowledged, the rest is left for the next worker.
    """
    run_worker(load_settings())
