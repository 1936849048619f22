"""What the controller asks of whoever measures: how each function's backends have served lately, over all their pods.

The seam between deciding and measuring. What cannot be told is left out of the answer: "unknown" moves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from runtime_images.cluster.function import FunctionSettings
from runtime_images.policy.model import Backend, LaneObservation

Key = tuple[str, str]
"""A function of a cluster: its namespace and its name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A function to measure: its settings, and the revision that serves on each backend that has one."""

    key: Key
    settings: FunctionSettings
    revisions: Mapping[Backend, str]


@dataclass(frozen=True, slots=True)
class Measurement:
    """How a function was served as of `at`, on the clock of the `now` that was asked with.

    `lanes` hold what was measured, merged over the pods of a backend; `available` and `running` of them are filled in
    by the controller, which sees the revisions. `finished` of a lane counts from when the observer first saw the
    function, and never goes back. `lost` says, in the pod's own words, which backend's runtime has lost its device.
    `pods` are those that answered. A function without a pod is measured, too: nothing runs, nothing waits.
    """

    at: float
    lanes: Mapping[Backend, LaneObservation]
    queue_ages_s: tuple[float, ...] = ()
    arrival_rate: float = 0.0
    idle_s: float = 0.0
    slots: int = 1
    pods: Mapping[Backend, int] = field(default_factory=dict)
    lost: Mapping[Backend, str] = field(default_factory=dict)


class Observer(Protocol):
    """Measures functions."""

    async def measure(self, functions: Sequence[Asked], now: float) -> Mapping[Key, Measurement]:
        """Return what is known of each function; one that is not in the answer is unknown."""

    async def close(self) -> None:
        """Let go of connections."""
