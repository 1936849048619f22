"""Write docs/schemas: a JSON Schema (2020-12) of each JSON output, generated from the types of the outputs.

    python scripts/document_schemas.py

The published schemas allow fields that they do not name, because a newer version may add some. The tests close them
(`schemas(closed=True)`), so that a field that nobody has described fails.
"""

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from analyzers.formats.as_json import AnalysesOutput, AnalysisOutput
from analyzers.formats.as_lint_json import FindingOutput, LintOutput
from analyzers.manifest import SCHEMA_PATH as MANIFEST_SCHEMA
from gaia_cli.running.summary import RunSummary
from gaia_cli.simulator.results.as_json import OneTraceOutput, TracesOutput
from gaia_cli.targets.outputs import DescribeOutput, ListOutput
from gaia_cli.views.cluster.checks import DoctorOutput
from gaia_cli.views.outputs import BuildOutput, ErrorOutput, RuleHelpOutput, RulesOutput, VersionOutput
from runtime_images.events.codec import EVENT_SCHEMA, EVENTS, marker, plan_of
from runtime_images.events.model import Event, Known

DIRECTORY = Path(__file__).parents[1] / "docs" / "schemas"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}

_OUTPUTS: dict[str, tuple[str, Any]] = {
    "analyses": ("`gaia analyze --all --output-format json`, and of several functions", AnalysesOutput),
    "analysis": ("`gaia analyze --output-format json`", AnalysisOutput),
    "build": ("`gaia build --output-format json`", BuildOutput),
    "doctor": ("`gaia doctor --output-format json`", DoctorOutput),
    "error": ("An error of any command, where a program asked for JSON", ErrorOutput),
    "finding": ("A line of `gaia lint --output-format json-lines`", FindingOutput),
    "function": ("`gaia describe -o json`", DescribeOutput),
    "functions": ("`gaia list -o json`", ListOutput),
    "lint": ("`gaia lint --output-format json`", LintOutput),
    "rule": ("`gaia rule CODE --output-format json`", RuleHelpOutput),
    "rules": ("`gaia rules --output-format json`", RulesOutput),
    "simulation": ("`gaia simulate --output-format json`", OneTraceOutput | TracesOutput),
    "summary": ("The last line of `gaia run --output-format json-lines`", RunSummary),
    "version": ("`gaia version --output-format json`", VersionOutput),
}
"""The description and the type of each output, by the name of its schema."""

Schema = dict[str, Any]


class _Generator:
    """Makes the schema of one output; the schemas of its parts go to `definitions`."""

    def __init__(self, *, closed: bool) -> None:
        self.definitions: dict[str, Schema] = {}
        self._closed = closed

    def event(self, kind: type[Event]) -> Schema:
        """Return the schema of an event, with the fields that every event has."""
        head: dict[str, Schema] = {
            "schema_version": {"const": EVENT_SCHEMA},
            "t": {"type": "number", "description": "seconds since the epoch"},
            "event": {"const": kind.NAME},
        }
        return self._dataclass(kind, head)

    def of(self, hint: Any) -> Schema:  # noqa: ANN401 -- a type as `typing` has them
        """Return the schema of a value of type `hint`."""
        origin, arguments = get_origin(hint), get_args(hint)
        if isinstance(hint, type) and issubclass(hint, Event):
            return self.event(hint)
        if origin is Annotated:
            return self._annotated(hint, arguments[0])
        if origin is NotRequired:
            return self.of(arguments[0])
        if origin in (Union, UnionType):
            return _any_of([self.of(one) for one in arguments])
        if origin in (tuple, list):
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is dict:
            return self._mapping(*arguments)
        if hint is type(None):
            return {"type": "null"}
        return {"type": _TYPES[hint]} if hint in _TYPES else self._named(hint)

    def _named(self, kind: type[Any]) -> Schema:
        """Define an enumeration, a row or a part, and return the reference to it."""
        if kind.__name__ not in self.definitions:
            self.definitions[kind.__name__] = {}
            self.definitions[kind.__name__] = self._definition(kind)
        return {"$ref": f"#/$defs/{kind.__name__}"}

    def _definition(self, kind: type[Any]) -> Schema:
        if issubclass(kind, Enum):
            return {"enum": [member.value for member in kind]}
        if is_dataclass(kind):
            return self._dataclass(kind, {})
        if is_typeddict(kind):
            fields = get_type_hints(kind, include_extras=True)
            required = [name for name in fields if name in kind.__required_keys__]
            return self._object(kind, {name: self.of(hint) for name, hint in fields.items()}, required)
        columns = [self.of(hint) for hint in get_type_hints(kind, include_extras=True).values()]
        return {"type": "array", "prefixItems": columns, "minItems": len(columns), "items": not self._closed}

    def _dataclass(self, kind: type[Any], head: dict[str, Schema]) -> Schema:
        hints, plans = get_type_hints(kind, include_extras=True), plan_of(kind)
        own = {plan.wire_name: self.of(hints[plan.name]) for plan in plans}
        required = [plan.wire_name for plan in plans if not plan.left_out_if_none]
        return self._object(kind, head | own, [*head, *required])

    def _object(self, kind: type[Any], properties: dict[str, Schema], required: list[str]) -> Schema:
        words = (kind.__doc__ or "").partition("\n")[0]
        described = {"type": "object", "description": words, "properties": properties, "required": required}
        return described | ({"additionalProperties": False} if self._closed else {})

    def _mapping(self, key: type[Any], item: object) -> Schema:
        if not issubclass(key, Enum):
            return {"type": "object", "additionalProperties": self.of(item)}
        names = [member.value for member in key]
        each = {"type": "object", "properties": {name: self.of(item) for name in names}, "required": names}
        return each | ({"additionalProperties": False} if self._closed else {})

    def _annotated(self, hint: object, plain: object) -> Schema:
        meaning, known = marker(hint, str), marker(hint, Known)
        schema = self.of(plain)
        if known is not None:
            schema["examples"] = list(known.values)
        return schema | ({"description": meaning} if meaning else {})


def _any_of(schemas: list[Schema]) -> Schema:
    if all(schema.keys() == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": schemas}


def _document(title: str, description: str, schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    document = {"$schema": _DIALECT, "title": title, "description": description} | schema
    return document | ({"$defs": dict(definitions)} if definitions else {})


def _events(*, closed: bool) -> Schema:
    generator = _Generator(closed=closed)
    each = {kind.__name__: generator.event(kind) for kind in EVENTS.values()}
    choice = {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in each]}
    return _document("event", "One line of the runtime's event stream.", choice, each | generator.definitions)


def _output(name: str, *, closed: bool) -> Schema:
    (description, kind), generator = _OUTPUTS[name], _Generator(closed=closed)
    schema = generator.of(kind)
    return _document(name, f"{description}.", schema, generator.definitions)


def schemas(*, closed: bool = False) -> dict[str, Schema]:
    """Return every schema by its file's name; a closed one allows no field that it does not name."""
    manifest: Schema = json.loads(MANIFEST_SCHEMA.read_text(encoding="utf-8"))
    outputs = {f"{name}.json": _output(name, closed=closed) for name in _OUTPUTS}
    return outputs | {"events.json": _events(closed=closed), "manifest.json": manifest}


def texts() -> dict[str, str]:
    """Return the text of every published file by its name."""
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas().items()}


def main() -> None:
    """Write every schema, and delete those of outputs that are gone."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    current = texts()
    for stale in DIRECTORY.glob("*.json"):
        if stale.name not in current:
            stale.unlink()
    for name, text in current.items():
        (DIRECTORY / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
