"""What an apply would change, seen in the server's own answer to a dry run. Pure.

The server knows defaults, webhooks and quantities; so what stands is compared with what it says would stand, and never
with what is sent.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from gaia_cli.targets.protocol import Change, Effect
from gaia_cli.targets.yaml_text import as_yaml
from runtime_images.cluster import words
from runtime_images.cluster.api import Object

_OF_THE_SERVER = (
    *("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink"),
    *("deletionTimestamp", "deletionGracePeriodSeconds"),
)
_LAST_MODIFIER = "serving.knative.dev/lastModifier"
STAMPS = (words.DEPLOYED_BY, words.DEPLOYED_AT, words.ORIGIN, words.SOURCES)
"""What tells of the last write, and is no reason for one."""
_LONGEST_VALUE = 60
_SECRET = "valueFrom"  # noqa: S105 -- the API's word for a reference
_MOST_DETAILS = 12


def plain(object_: Mapping[str, Any], *, with_traffic: bool = True) -> Object:
    """Return an object as a person would write it: without what only the server says, and without its status."""
    metadata = {name: value for name, value in object_["metadata"].items() if name not in _OF_THE_SERVER}
    annotations = {name: value for name, value in (metadata.get("annotations") or {}).items() if name != _LAST_MODIFIER}
    if annotations:
        metadata["annotations"] = annotations
    spec = {name: value for name, value in (object_.get("spec") or {}).items() if with_traffic or name != "traffic"}
    made = {"apiVersion": object_.get("apiVersion"), "kind": object_.get("kind"), "metadata": metadata}
    return made | ({"spec": spec} if spec else {})


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two objects say the same; who deployed, and when, is no difference."""
    return _without_stamps(plain(one)) == _without_stamps(plain(other))


def makes_revision(live: Mapping[str, Any] | None, would: Mapping[str, Any]) -> bool:
    """Return whether a Configuration's template becomes another, and so a new Revision is made."""
    return live is None or live.get("spec") != would.get("spec")


def change_of(live: Mapping[str, Any] | None, would: Mapping[str, Any]) -> Change:
    """Return what applying one object does."""
    what = f"{would['kind']} {would['metadata']['name']}"
    if live is None:
        return Change(Effect.CREATE, what)
    if same(live, would):
        return Change(Effect.KEEP, what)
    details = list(_details(_without_stamps(plain(live)), _without_stamps(plain(would))))
    more = len(details) - _MOST_DETAILS
    shown = [*details[:_MOST_DETAILS], *([f"and {more} more"] if more > 0 else [])]
    return Change(Effect.CHANGE, what, tuple(shown))


def difference(live: Mapping[str, Any] | None, would: Mapping[str, Any]) -> str:
    """Return a unified diff of two objects as YAML, empty where they say the same."""
    if live is not None and same(live, would):
        return ""
    name = f"{would['kind']}/{would['metadata']['name']}"
    before = as_yaml(_without_stamps(plain(live))).splitlines() if live is not None else []
    after = as_yaml(_without_stamps(plain(would))).splitlines()
    lines = difflib.unified_diff(before, after, f"live/{name}", f"gaia/{name}", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _without_stamps(object_: Object) -> Object:
    metadata = object_["metadata"]
    kept = {name: value for name, value in (metadata.get("annotations") or {}).items() if name not in STAMPS}
    return object_ | {"metadata": {**metadata, "annotations": kept}}


def _details(live: object, would: object, path: str = "") -> Iterator[str]:
    if live == would:
        return
    if isinstance(live, dict) and isinstance(would, dict):
        for key in sorted({*live, *would}):
            yield from _details(live.get(key), would.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(live, list) and isinstance(would, list) and path.endswith(".env"):
        yield from _variables(live, would)
    elif isinstance(live, list) and isinstance(would, list) and len(live) == len(would):
        for one, other in zip(live, would, strict=True):
            yield from _details(one, other, path)
    else:
        before, after = _value(live), _value(would)
        yield f"{_short(path)}: {f'{before} -> {after}' if before != after else 'other'}"


def _variables(live: list[Any], would: list[Any]) -> Iterator[str]:
    """Say which variables are other, by name only: a value may be nobody else's business."""
    before, after = ({one["name"]: one for one in entries} for entries in (live, would))
    for name in sorted({*before, *after}):
        if name not in before:
            yield f"env {name}: new"
        elif name not in after:
            yield f"env {name}: gone"
        elif before[name] != after[name]:
            yield f"env {name}: other {'secret' if _SECRET in after[name] else 'value'}"


def _short(path: str) -> str:
    for prefix in ("spec.template.spec.containers.", "spec.template.spec.", "spec.template.metadata.", "metadata."):
        if path.startswith(prefix):
            return path.removeprefix(prefix)
    return path


def _value(value: object) -> str:
    if value is None:
        return "nothing"
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
