"""A backend whose target names a revision, as after a rollback, stands for that revision, also while it is lost.

Whoever named it has rolled away from the latest. So a lost backend comes back as what was named, and its name is
written down in the same write that takes it out of the traffic. It holds until somebody deploys: then there is another
latest.
"""

import json
from collections.abc import Mapping
from typing import Any

from runtime_images.cluster.backends import BackendState
from runtime_images.cluster.traffic import Split
from runtime_images.cluster.words import NAMED
from runtime_images.controller.deciding.sight import Seen


def named_revision(route: Mapping[str, Any], state: BackendState) -> str:
    """Return the revision that stands for a backend by name, empty where it is the latest."""
    for target in route["spec"].get("traffic") or ():
        if target.get("tag") == state.backend:
            return str(target.get("revisionName") or "")
    latest = state.awaited or state.serving
    revision, beside = _written(route).get(state.backend.value, ("", ""))
    return revision if latest is not None and latest["metadata"]["name"] == beside else ""


def naming(route: Mapping[str, Any], seen: Seen, split: Split) -> dict[str, str]:
    """Return the annotation that keeps the names of backends that a split leaves out, if there is any to write."""
    left_out = {backend: side for backend, side in seen.sides.items() if side.named and backend not in split}
    names = {backend.value: [side.revision, side.latest] for backend, side in left_out.items()}
    return {NAMED: json.dumps(names)} if names or _written(route) else {}


def _written(route: Mapping[str, Any]) -> Mapping[str, tuple[str, str]]:
    """Return what `naming` wrote; what cannot be read is nothing."""
    try:
        said = json.loads((route["metadata"].get("annotations") or {}).get(NAMED, "{}"))
        return {str(backend): (str(revision), str(beside)) for backend, (revision, beside) in said.items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}
