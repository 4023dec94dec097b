"""`listings feeds list|check|guess|apply`: how senders' files map to our record."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

import click

from app.adapters.profile_files import load_either, load_profiles, load_well_known
from app.cli import feeds_apply
from app.cli.feeds_show import check_json, show_check
from app.cli.output import Output, console, output_option, print_json, print_table
from app.errors import FailureCode, OperatorError
from app.ops.feeds_check import check_file
from app.ops.feeds_guess import guess_profile
from app.pipeline.limits import limits_of
from app.pipeline.profile import Profile
from app.pipeline.recognise import WellKnownFormats
from app.pipeline.well_known import WellKnown
from app.settings import Settings, load_settings

_CHUNK_BYTES = 256 * 1024
_NO_PROFILE = "none"
_EXISTING = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.group("feeds")
def command() -> None:
    """How senders' files map to our record, as declared in connectors/feeds/."""


command.add_command(feeds_apply.command, "apply")


@command.command("list")
@output_option
def list_feeds(output: str) -> None:
    """The declared profiles, and the formats that are recognised without one."""
    settings = load_settings()
    profiles, formats = load_profiles(settings.paths.feeds), _well_known(settings)
    if output == Output.JSON:
        print_json(
            {"profiles": list(map(_profile_json, profiles.all)), "well_known": list(map(_format_json, formats.all))}
        )
        return
    columns = ("name", "source", "files", "format", "delivery")
    print_table(columns, [[_cell(profile, column) for column in columns] for profile in profiles.all])
    console().print("\nRecognised by their columns, where no profile matches:\n", style="bold")
    rows = [(form.name, form.description, _needs(form.recognise.needs)) for form in formats.all]
    print_table(("name", "what it is", "needs the columns"), rows)


def _profile_json(profile: Profile) -> dict[str, object]:
    return {
        "name": profile.name,
        "source": profile.source,
        "description": profile.description,
        "match": [{"bucket": match.bucket, "key": match.key} for match in profile.matches],
        "format": profile.format.type,
        "delivery": profile.delivery.kind,
        "fields": list(profile.fields),
    }


def _format_json(form: WellKnown) -> dict[str, object]:
    return {
        "name": form.name,
        "description": form.description,
        "needs": [list(names) for names in form.recognise.needs],
        "fields": list(form.fields),
    }


def _cell(profile: Profile, column: str) -> object:
    match column:
        case "files":
            return ", ".join(m.key if m.bucket == "*" else f"{m.bucket}: {m.key}" for m in profile.matches)
        case "format":
            return profile.format.type or "any"
        case "delivery":
            return profile.delivery.kind
    return getattr(profile, column)


def _needs(needs: tuple[tuple[str, ...], ...]) -> str:
    return ", ".join(" or ".join(names) for names in needs)


@command.command("check")
@click.argument("profile")
@click.argument("file", type=_EXISTING)
@click.option("--limit", default=3, show_default=True, type=click.IntRange(0, 10_000), help="Records shown in full.")
@output_option
def check(profile: str, file: Path, limit: int, output: str) -> None:
    """What a profile makes of a file: every field, what is refused and why, and which columns nobody uses.

    PROFILE is the path of a profile, the name of a declared one, or `none`: then the file is read as one for which no
    profile matches. No server is asked. Exit code 1 when the file, or a record of it, is refused.
    """
    settings = load_settings()
    chosen = None if profile == _NO_PROFILE else _chosen(settings, profile)
    found = check_file(
        _chunks(file),
        file.name,
        file.stat().st_size,
        chosen,
        limits=limits_of(settings.limits),
        now=datetime.now(UTC),
        sender="sender",
        keep=limit,
        recognise=_well_known(settings).recognise,
        scratch=_scratch,
    )
    if output == Output.JSON:
        print_json(check_json(found))
    else:
        show_check(found, file.name)
    if not found.is_clean:
        sys.exit(1)


@command.command("guess")
@click.argument("file", type=_EXISTING)
@click.option("--write", "target", type=click.Path(path_type=Path), help="Write it there instead; never over a file.")
def guess(file: Path, target: Path | None) -> None:
    """Write a first profile for a file that none is known for; what is doubtful in it is marked.

    Look at every comment, then see what it makes of the file: listings feeds check PROFILE FILE.
    """
    settings = load_settings()
    text = guess_profile(lambda: _chunks(file), file.name, limits_of(settings.limits), _well_known(settings).recognise)
    if target is None:
        click.echo(text, nl=False)
        return
    try:
        with target.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError as error:
        raise OperatorError(FailureCode.COMMAND_FAILED, f"{target} is there already; name another file") from error
    except OSError as error:
        raise OperatorError(FailureCode.COMMAND_FAILED, f"{target} can not be written: {error.strerror}") from error
    console().print(
        f"Written: {target}\nSee what it makes of the file: listings feeds check {target} {file}", markup=False
    )


def _chosen(settings: Settings, profile: str) -> Profile:
    """The profile of that path or name; a usage error when there is none."""
    path = Path(profile)
    if path.is_file():
        return load_either(path)
    folder = settings.paths.feeds
    for place in (folder / f"{profile}.yaml", folder / "well-known" / f"{profile}.yaml"):
        if path.name == profile and place.is_file():
            return load_either(place)
    raise click.BadParameter(
        f"there is no profile {profile}: name a file, one of `listings feeds list`, or {_NO_PROFILE}",
        param_hint="PROFILE",
    )


def _well_known(settings: Settings) -> WellKnownFormats:
    return load_well_known(settings.paths.feeds / "well-known")


def _scratch() -> BinaryIO:
    return cast("BinaryIO", tempfile.TemporaryFile())


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK_BYTES):
            yield chunk
