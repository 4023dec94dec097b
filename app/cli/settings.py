"""`listings settings show`: what is set, and what can be."""

from __future__ import annotations

import os
import re
from typing import Any

import click
from pydantic import BaseModel, SecretStr

from app.cli.output import output_option, print_json, print_table
from app.settings import PREFIX, Settings, known_names, load_settings

_MASK = "********"
_USER_INFO = re.compile(r"([a-z][a-z0-9+.-]*://).*@", re.IGNORECASE)
"""The part of a URL that may hold a password (RFC 3986, 3.2.1)."""


@click.group("settings")
def command() -> None:
    """What is set, and what can be."""


@command.command("show")
@output_option
def show(output: str) -> None:
    """Every setting with its value and where that comes from. Secrets are never printed.

    Names that are unknown are told after those that are known, and the command fails.
    """
    known = set(known_names())
    rows = describe(load_settings({name: value for name, value in os.environ.items() if name.upper() in known}))
    if output == "json":
        print_json([{"name": n, "value": v, "set": s, "meaning": m} for n, v, s, m in rows])
    else:
        print_table(
            ["setting", "value", "from", "meaning"],
            [(name, value, "environment" if is_set else "default", meaning) for name, value, is_set, meaning in rows],
        )
    load_settings()


def describe(settings: Settings) -> list[tuple[str, str | None, bool, str]]:
    """Name, printable value, whether the environment sets it, and its meaning, for each setting."""
    given = {name.upper() for name, value in os.environ.items() if value}
    rows = []
    for group, field in Settings.model_fields.items():
        values: Any = getattr(settings, group)
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        for name, declared in model.model_fields.items():
            variable = f"{PREFIX}{group}__{name}".upper()
            value = _printable(getattr(values, name))
            rows.append((variable, value, variable in given, declared.description or ""))
    return rows


def _printable(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, SecretStr):
        return _MASK
    return _USER_INFO.sub(rf"\1{_MASK}@", ",".join(value) if isinstance(value, tuple) else str(value))
