"""Knative's definitions of its objects, as strict schemas: what they do not know is an error.

An API server drops an unknown field of a custom resource in silence, or refuses it, by how it is asked. These schemas
always refuse it, and there are two of them: those of the Knative that the plane runs and those of the newest whose
module can be read, so that nothing is written which only one of them takes.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from tests.support.control_plane.build import programs
from tests.support.control_plane.rest import Object


class Knative(StrEnum):
    """Which Knative."""

    INSTALLED = "installed"
    NEWEST = "newest"


def problems(item: Object, knative: Knative) -> list[str]:
    """Return what a definition finds wrong with an object, each with its place in the object.

    Raises:
        KeyError: Knative has no definition of its kind.
    """
    validator = _validators(knative)[item["apiVersion"], item["kind"]]
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(item)]


@cache
def _validators(knative: Knative) -> dict[tuple[str, str], Draft202012Validator]:
    folder = programs() / "manifests" / knative
    return {
        (f"{group}/{version['name']}", kind): Draft202012Validator(_strict(version["schema"]["openAPIV3Schema"]))
        for group, kind, versions in _definitions(folder)
        for version in versions
    }


def _definitions(folder: Path) -> Iterator[tuple[str, str, list[Object]]]:
    for file in sorted(folder.rglob("*.yaml")):
        for item in yaml.safe_load_all(file.read_text()):
            if item and item["kind"] == "CustomResourceDefinition":
                spec = item["spec"]
                yield spec["group"], spec["names"]["kind"], spec["versions"]


def _strict(schema: Any) -> Any:  # noqa: ANN401 -- JSON of any form
    """Return a definition's schema as one of JSON Schema which allows nothing that it does not name."""
    made = {key: value for key, value in schema.items() if not key.startswith("x-") and key != "default"}
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("anyOf", None)
        return made | {"type": ["integer", "string"]}
    if "properties" in made:
        known: Object = {"apiVersion": {}, "kind": {}, "metadata": {}} if "spec" in made["properties"] else {}
        made["properties"] = known | {name: _strict(value) for name, value in made["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = _strict(made[key])
    return made
