"""What a pass may order, and what it remembers of a function until the next one.

Orders are values: the machine makes them, `performing` turns each into one write. None is taken for done because it was
given: the next pass looks at the cluster, and orders again what is not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from runtime_images.cluster.traffic import Split
from runtime_images.policy.model import Backend
from runtime_images.policy.state import PolicyState


class Moment(NamedTuple):
    """A moment on two clocks, in seconds: `now` does not run backwards, `wall` counts since 1970, for people."""

    now: float
    wall: float


class Word(StrEnum):
    """The reason of an Event, as the cluster's tools group them."""

    SWITCHED = "Switched"
    ROLLED_BACK = "RolledBack"
    LOST = "BackendLost"
    HELD = "TrafficHeld"
    FAILED = "SwitchFailed"
    GIVEN_UP = "SwitchGivenUp"


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision for the record; `at` is wall time in whole seconds, `share` how far the traffic has followed."""

    at: int
    chosen: Backend
    rejected: Backend
    rule: str
    reason: str
    share: int


@dataclass(frozen=True, slots=True)
class Move:
    """Write the traffic, and in the same write everything else that the controller has on a Route."""

    split: Split
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Warm:
    """Have at least one pod of a backend."""

    backend: Backend


@dataclass(frozen=True, slots=True)
class Release:
    """No longer keep a pod of a backend that nobody asks for."""

    backend: Backend


@dataclass(frozen=True, slots=True)
class Retry:
    """Have a new revision made from the template of one that failed for good."""

    backend: Backend
    revision: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Write one Event, about a switch to `backend` that `rule` ordered. One with a `once` is written once in all."""

    word: Word
    note: str
    backend: Backend
    rule: str = ""
    once: str = ""


Action = Move | Warm | Release | Retry | Tell


class Phase(StrEnum):
    """How far a switch has got."""

    WARMING = "warming"
    CANARY = "canary"
    MOVING = "moving"
    CHECKING = "checking"


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch under way, in its present phase since `since`; `began` is when it was decided.

    `fresh` says that its target had to be started for it, `word` how its Event will be filed.
    """

    target: Backend
    phase: Phase
    began: float
    since: float
    rule: str
    reason: str
    fresh: bool = False
    word: Word = Word.SWITCHED


@dataclass(frozen=True, slots=True)
class Failure:
    """How often in a row the switch to a backend has failed, and when it may be tried again."""

    times: int = 0
    until: float = 0.0


NEVER = Failure()


@dataclass(frozen=True, slots=True)
class FunctionState:
    """What is remembered of a function. Times are on the controller's own clock, which does not run backwards.

    `dead_since` is when a backend was first seen dead, `told` the other manager of the traffic that was told of;
    `lost` are the revisions of backends that had to leave the traffic; `would` is what the policy last said, also where
    it may not act.
    """

    policy: PolicyState
    switch: Switch | None = None
    record: tuple[Decided, ...] = ()
    failures: Mapping[Backend, Failure] = field(default_factory=dict)
    dead_since: Mapping[Backend, float] = field(default_factory=dict)
    lost: Mapping[Backend, str] = field(default_factory=dict)
    told: str = ""
    would: Decided | None = None

    def pauses(self, backend: Backend, now: float) -> bool:
        """Return whether a backend that failed is left alone for now."""
        return self.failures.get(backend, NEVER).until > now


Step = tuple[FunctionState, tuple[Action, ...]]
"""What a part of a pass makes of a function: what to remember, and what to do."""
