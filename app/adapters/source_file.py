"""Who may speak for which source, from `connectors/sources.yaml`; without the file nothing is declared."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from app.adapters.profile_files import plain, repeated, sentence
from app.adapters.yaml_nodes import composed
from app.errors import FailureCode, OperatorError
from app.pipeline.sources import SourceRules, Sources


def load_sources(path: Path) -> Sources:
    """The rules of the file; `OperatorError(DECLARATION_INVALID)` lists every mistake in it with its line."""
    if not path.is_file():
        return Sources()
    try:
        root = composed(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise OperatorError(FailureCode.DECLARATION_INVALID, f"{path}: expected YAML in UTF-8: {error}") from error
    if not isinstance(root, yaml.MappingNode):
        raise OperatorError(FailureCode.DECLARATION_INVALID, f"{path}:1: expected a mapping with uploads, topic")
    mistakes = list(repeated(root))
    if not mistakes:
        try:
            return Sources(SourceRules.model_validate(plain(root)))
        except ValidationError as error:
            mistakes = [sentence(root, e["loc"], e["msg"]) for e in error.errors(include_url=False)]
    told = "\n".join(f"{path}:{line}: {what}" for line, what in sorted(mistakes))
    raise OperatorError(FailureCode.DECLARATION_INVALID, told)
