"""The published schemas, closed: what they do not name is not allowed, so that every field has to be described."""

import runpy
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

_SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "document_schemas.py"


@cache
def _closed() -> dict[str, dict[str, Any]]:
    schemas: dict[str, dict[str, Any]] = runpy.run_path(str(_SCRIPT))["schemas"](closed=True)
    return schemas


def misfits(name: str, values: Iterable[object]) -> list[str]:
    """What keeps each of the values from being what the schema `name` says; empty if all of them are."""
    validator = jsonschema.Draft202012Validator(_closed()[name])
    worst = (jsonschema.exceptions.best_match(validator.iter_errors(value)) for value in values)
    return [f"{error.json_path}: {error.message}" for error in worst if error is not None]
