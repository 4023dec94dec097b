"""The packages that only the embedded servers need: the extra `devstack` of this project."""

from __future__ import annotations

from app.errors import FailureCode, OperatorError


def extra_missing(package: str) -> OperatorError:
    """What to say when one of them is not installed, as in the image of the worker."""
    return OperatorError(
        FailureCode.PREREQUISITE_MISSING,
        f"the embedded servers need the package {package}: run `make .venv` or `pip install -e '.[devstack]'`, "
        "or run `docker compose up`, which does the same with Docker",
    )
