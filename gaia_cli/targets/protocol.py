"""What a target can do with a deployment, in words that any cluster has.

A deployment is a function as it is to stand somewhere: the project, the mode, an image that no later push changes. A
target says first what an apply would change and what stands against it, then applies, then waits; so several targets
can be asked before the first of them is written to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from gaia_cli.project.project import FunctionProject
from gaia_cli.project.settings import function_settings
from gaia_cli.project.targets import TargetSettings
from runtime_images.cluster.function import FunctionSettings
from runtime_images.policy.model import Accelerator, Backend, ExecutionMode


@dataclass(frozen=True, slots=True)
class Identity:
    """Which project a function is of. `project` is the same on every machine, `sources` for the same files.

    `origin` is where the project lies, for people; it may be another on each machine. `is_new` where nothing beside the
    sources says yet which project it is.
    """

    project: str
    origin: str
    sources: str
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who has deployed, when (ISO 8601, UTC), and from where: what makes no difference to what stands."""

    by: str = ""
    at: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A function as it is to stand on one target.

    `image` names a digest. `manifest` is what the analyzer says, as JSON, empty where it was not asked. `image_bytes`
    is what a node must fetch, None where the registry does not say. `sets_user` is whether the pod names the user of
    Gaia's own images: another image has its own.
    """

    project: FunctionProject
    target: TargetSettings
    mode: ExecutionMode
    image: str
    identity: Identity
    manifest: str = ""
    image_bytes: int | None = None
    sets_user: bool = True

    @property
    def backends(self) -> tuple[Backend, ...]:
        """The backends that stand there: both, unless the mode is fixed, or the target is said to have no GPU."""
        if self.target.accelerator is Accelerator.NONE and not self.mode.is_fixed:
            return (Backend.CPU,)
        return (self.mode.initial_backend,) if self.mode.is_fixed else tuple(Backend)

    @property
    def uses_gpus(self) -> bool:
        """Whether a pod asks the cluster for a GPU."""
        return self.target.accelerator is Accelerator.NVIDIA and Backend.GPU in self.backends

    @property
    def settings(self) -> FunctionSettings:
        """What a controller needs to know.

        Raises:
            ConfigurationError: the function needs a GPU, and the target is said to have none.
        """
        return function_settings(self.project, self.target, self.mode)


class Effect(StrEnum):
    """What an apply does to one thing."""

    CREATE = "create"
    CHANGE = "change"
    KEEP = "keep"
    REMOVE = "remove"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an apply does; `what` names the thing, `details` say what of it is other."""

    effect: Effect
    what: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deployment goes, and as whom."""

    context: str
    server: str
    namespace: str
    user: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What an apply would do. `notes` are what else a person should know before saying yes."""

    deployment: Deployment
    place: Place
    changes: tuple[Change, ...]
    objects: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether all stands already as it is asked for."""
        return all(change.effect is Effect.KEEP for change in self.changes)


class Progress(StrEnum):
    """How far a backend has got."""

    READY = "ready"
    WAITING = "waiting"
    NO_GPU = "no free GPU"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BackendOutcome:
    """One backend after an apply: `version` is what was applied, `serving` what answers requests now.

    `message` is the cluster's own, the pod's where there is one.
    """

    backend: Backend
    progress: Progress
    version: str = ""
    serving: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an apply ended. `shares` are percentages that the cluster confirms."""

    url: str
    backends: tuple[BackendOutcome, ...]
    shares: Mapping[Backend, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What a place has otherwise than a deploy would leave it: a unified diff, and whose hand is in it.

    `held` are sentences about what somebody else has set there, and holds.
    """

    patch: str
    held: tuple[str, ...] = ()


class Target(Protocol):
    """One deployment on its way to one place."""

    def check(self, deployment: Deployment) -> None:
        """See that nothing of somebody else's stands in the way, before anything costly is done.

        Raises:
            ClusterRefused: something does.
        """

    def plan(self, deployment: Deployment) -> Plan:
        """Say what an apply would do, and write nothing.

        Raises:
            ClusterRefused: it would fail, or something that belongs to somebody else is in the way.
        """

    def difference(self, deployment: Deployment) -> Difference:
        """Say what is other there, and write nothing; what somebody else has set is a difference like any other.

        Raises:
            ClusterRefused: it cannot be said, or the function there is somebody else's.
        """

    def apply(self, *, wait: bool) -> Outcome | None:
        """Do what was planned; with `wait` until it serves. Doing it again, also after a half, changes nothing more.

        Raises:
            ClusterRefused: it does not get there, and why.
        """

    def files(self, deployment: Deployment) -> Sequence[Mapping[str, Any]]:
        """Return the objects as they are made where nothing stands, for a repository; nobody is asked."""
