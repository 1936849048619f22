"""Results for programs in the form that tools for clusters have: `-o json` and `-o yaml`."""

from collections.abc import Mapping, Sequence
from typing import Any

from analyzers.formats.json_text import json_text
from gaia_cli.project.choices import ObjectForm
from gaia_cli.targets.yaml_text import as_documents, as_yaml
from gaia_cli.views import console


def write_objects(values: Sequence[Mapping[str, Any]], form: ObjectForm) -> None:
    """Write several objects as a cluster's tools read them: a List of JSON, or a stream of YAML."""
    if form is ObjectForm.JSON:
        write_object({"apiVersion": "v1", "kind": "List", "items": list(values)}, form)
    else:
        console.exact(as_documents(values))


def write_object(value: Mapping[str, Any], form: str) -> None:
    """Write a value as indented JSON, or as the YAML of the same."""
    console.exact(json_text(value, indent=2) if form == ObjectForm.JSON else as_yaml(value))
