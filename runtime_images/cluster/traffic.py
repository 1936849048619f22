"""The traffic of a Route: who holds it, what it is, and what it may be.

A Route that names a target without a ready Revision serves nothing at all, whatever the target's share: so a backend is
in the traffic, even with 0 %, only while it is ready, and one that is lost leaves in the same write that moves its
share. `spec.traffic` is one atomic field: whoever writes it holds all of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runtime_images.cluster.words import FUNCTION, TRAFFIC_MANAGER, configuration_name
from runtime_images.policy.model import Backend

Split = dict[Backend, int]
"""The percentage of each backend that is in the traffic; in all 100."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The manager that holds a Route's traffic, and since when, as the API writes times."""

    manager: str
    since: str

    @property
    def is_gaia(self) -> bool:
        """Whether the traffic is Gaia's to move."""
        return self.manager == TRAFFIC_MANAGER


def split(active: Backend, ready: Iterable[Backend], percent: int = 100) -> Split:
    """Return the split that gives the active backend `percent` and a ready other one the rest.

    Raises:
        ValueError: no backend is ready, so that no split serves anything.
    """
    present = [backend for backend in Backend if backend in set(ready)]
    if not present:
        raise ValueError("no backend is ready")
    if active not in present:
        active, percent = present[0], 100
    if len(present) == 1:
        percent = 100
    return {backend: percent if backend is active else 100 - percent for backend in present}


def targets(function: str, wanted: Mapping[Backend, int]) -> list[dict[str, Any]]:
    """Return a split as spec.traffic, in one order, so that the same split is the same object."""
    if sum(wanted.values()) != 100 or min(wanted.values()) < 0:
        raise ValueError(f"shares must sum to 100: {dict(wanted)}")
    return [
        {
            "configurationName": configuration_name(function, backend),
            "latestRevision": True,
            "percent": wanted[backend],
            "tag": backend.value,
        }
        for backend in Backend
        if backend in wanted
    ]


def split_of(route: Mapping[str, Any], *, actual: bool = False) -> Split:
    """Return the split that a Route asks for, with `actual` the one that its status confirms; backends only."""
    part = (route.get("status") or {}) if actual else route["spec"]
    found: Split = {}
    for target in part.get("traffic") or ():
        if target.get("tag") in tuple(Backend):
            found[Backend(target["tag"])] = int(target.get("percent") or 0)
    return found


def holder(route: Mapping[str, Any]) -> Holder:
    """Return who holds the Route's traffic. Traffic that nobody holds is Gaia's, and so is what others only repeat.

    A GitOps tool that applies a Route holds what it wrote. Where it repeats what Gaia has written, it decides nothing;
    and what it made a Route with is only what a Route cannot be made without, until Gaia has first written to it.
    """
    holders = _holders(route)
    if not holders or any(one.manager == TRAFFIC_MANAGER for one in holders) or _is_newborn(route):
        return Holder(TRAFFIC_MANAGER, "")
    return holders[0]


def is_shared(route: Mapping[str, Any]) -> bool:
    """Return whether others hold the traffic that is Gaia's as well, so that a move must take it from them."""
    return holder(route).is_gaia and any(one.manager != TRAFFIC_MANAGER for one in _holders(route))


def is_unclaimed(route: Mapping[str, Any]) -> bool:
    """Return whether the traffic is Gaia's, and Gaia's manager has not written it yet.

    A tool that made the Route and then leaves the traffic out, as it was told to, would take it away: a Route without
    any is refused.
    """
    return is_shared(route) and all(one.manager != TRAFFIC_MANAGER for one in _holders(route))


def _holders(route: Mapping[str, Any]) -> list[Holder]:
    return [
        Holder(entry.get("manager", ""), entry.get("time", ""))
        for entry in route["metadata"].get("managedFields") or ()
        if "f:traffic" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
    ]


def _is_newborn(route: Mapping[str, Any]) -> bool:
    """Return whether who holds the traffic has made the Route, and Gaia's manager has never written to it."""
    entries = route["metadata"].get("managedFields") or ()
    if any(entry.get("manager") == TRAFFIC_MANAGER for entry in entries):
        return False
    fields = [entry.get("fieldsV1") or {} for entry in entries if entry.get("operation") == "Apply"]
    made = [one for one in fields if "f:traffic" in (one.get("f:spec") or {})]
    return any(f"f:{FUNCTION}" in ((one.get("f:metadata") or {}).get("f:labels") or {}) for one in made)
