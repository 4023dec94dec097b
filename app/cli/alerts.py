"""`listings alerts test`: whether those who are to be told would be."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import click

from app.adapters.notifier import receivers
from app.cli.output import output_option, print_json, print_table
from app.errors import FailureCode, OperatorError
from app.observability.alerts.texts import Message
from app.settings import load_settings


@click.group("alerts")
def command() -> None:
    """Who is told when a person is needed."""


@command.command("test")
@output_option
def test(output: str) -> None:
    """Send a test message to each of LISTINGS_ALERTS__URLS and show which took it; exit code 1 when one did not.

    The addresses hold secrets, so each is told by its number and service.
    """
    settings = load_settings().alerts
    to = receivers(settings.urls, settings.send_timeout_s)
    if not to:
        raise OperatorError(
            FailureCode.SETTING_INVALID, "nobody is told: LISTINGS_ALERTS__URLS is not set; see docs/OPERATIONS.md"
        )
    body = f"Alerts of the listings workers will arrive here.\nFrom `listings alerts test` on {socket.gethostname()}"
    message = Message("test", "Test of the alerts", body, is_over=True)
    with ThreadPoolExecutor(len(to)) as pool:
        taken = list(pool.map(lambda receiver: receiver.send(message), to))
    answers = {receiver.name: ok for receiver, ok in zip(to, taken, strict=True)}
    if output == "json":
        print_json([{"receiver": name, "sent": ok} for name, ok in answers.items()])
    else:
        print_table(("receiver", "test message"), [(n, "sent" if ok else "failed") for n, ok in answers.items()])
    if not all(taken):
        failed = ", ".join(name for name, ok in answers.items() if not ok)
        raise OperatorError(
            FailureCode.COMMAND_FAILED,
            f"not taken by receiver {failed}: check its address, its credentials and that it can be reached from here",
        )
