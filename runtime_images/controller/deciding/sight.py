"""What a pass sees of one function: the cluster's objects, read into values that the machine can decide on.

A side is what stands behind one backend. It is ready while the revision that would get its requests is, which may be an
older one than the last that was deployed; it is dead when that last one has failed for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime_images.cluster.function import FunctionSettings
from runtime_images.cluster.traffic import Holder, Split
from runtime_images.controller.observing import Key, Measurement
from runtime_images.policy.model import CPU, GPU, Backend


@dataclass(frozen=True, slots=True)
class Side:
    """One backend in the cluster; `revision` is the one that serves, `latest` the one that was asked for last.

    `running` says that a pod of it is ready, `kept` that one is asked for at all times, and `floored` that it is the
    controller who asks; `asleep` that it is scaled to zero, though `pods` of it may be ready still. `problem` is why it
    is not ready, in the pod's own words as far as there are any. `dead` says that the latest revision has failed for
    good, `retries` how many before it have, one after the other. `named` says that somebody has named the revision.
    """

    revision: str = ""
    latest: str = ""
    ready: bool = False
    running: bool = False
    kept: bool = False
    floored: bool = False
    asleep: bool = False
    pods: int = 0
    dead: bool = False
    problem: str = ""
    retries: int = 0
    named: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One function at one moment. `asked` is what its Route's spec says, `is_confirmed` whether its status says so.

    `written` are the controller's annotations on the Route. `measurement` is None where nothing fresh is known. `lost`
    are backends that left the traffic, and have shown no pod since. `unclaimed` traffic is what a tool made the Route
    with, and nobody else has written.
    """

    key: Key
    uid: str
    settings: FunctionSettings
    sides: Mapping[Backend, Side]
    asked: Split
    is_confirmed: bool
    holder: Holder
    written: Mapping[str, str] = field(default_factory=dict)
    pin: Backend | None = None
    paused: bool = False
    deleting: bool = False
    measurement: Measurement | None = None
    lost: frozenset[Backend] = frozenset()
    unclaimed: bool = False

    @property
    def active(self) -> Backend:
        """The backend that most requests are meant for."""
        return GPU if self.asked.get(GPU, 0) > self.asked.get(CPU, 0) else CPU

    def side(self, backend: Backend) -> Side:
        """Return what stands behind a backend; nothing where the function has none."""
        return self.sides.get(backend, NO_SIDE)

    @property
    def ready(self) -> tuple[Backend, ...]:
        """The backends that may be in the traffic: the revision is ready, and no pod of it has lost its device."""
        lost = {*self.lost, *(self.measurement.lost if self.measurement else {})}
        return tuple([backend for backend in Backend if self.side(backend).ready and backend not in lost])

    def problem(self, backend: Backend) -> str:
        """Return why a backend is not ready."""
        lost = self.measurement.lost if self.measurement else {}
        return lost.get(backend) or self.side(backend).problem or "its revision is not ready"


NO_SIDE = Side()
