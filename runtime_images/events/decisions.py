"""What the policy decides and what follows: decisions, switches, a lost GPU, a fallback."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from runtime_images.events.model import Event, LeftOutIfNone, Moment, WireName, event
from runtime_images.policy.model import Backend, ExecutionMode


class SwitchPhase(StrEnum):
    """How far a switch has come."""

    ORDERED = "ordered"
    MOVED = "moved"
    DRAINED = "drained"
    FAILED = "failed"
    GIVEN_UP = "given_up"


ENDED_BEFORE_IT_MOVED = (SwitchPhase.FAILED, SwitchPhase.GIVEN_UP)
"""The last steps of a switch that has moved no traffic."""


class SwitchKind(StrEnum):
    """Whether a switch goes to the GPU or back to the CPU."""

    PROMOTE = "promote"
    DEMOTE = "demote"

    @classmethod
    def towards(cls, backend: Backend) -> "SwitchKind":
        """Return the kind of a switch to `backend`."""
        return cls.PROMOTE if backend is Backend.GPU else cls.DEMOTE


@event("decision")
class DecisionMade(Event):
    """The policy chose another backend, or another of its rules decided."""

    active: Annotated[Backend, "the backend that serves"]
    chosen: Annotated[Backend, "the backend that should serve; the active one means stay"]
    rejected: Annotated[Backend, "the other one"]
    rule: Annotated[str, "the rule that decided ([policy.md](policy.md))"]
    reason: Annotated[str, "why, in one sentence"]
    inputs: Annotated[dict[str, float | str | None], "the numbers it was made on, by name"]


@dataclass(frozen=True, slots=True)
class SwitchMoments:
    """When a switch reached each step, without those that it has not reached."""

    ordered: Annotated[Moment | None, "it was decided", LeftOutIfNone()] = None
    ready: Annotated[Moment | None, "the new worker was ready", LeftOutIfNone()] = None
    moved: Annotated[Moment | None, "traffic moved", LeftOutIfNone()] = None
    drained: Annotated[Moment | None, "the old worker had answered everything", LeftOutIfNone()] = None


@event("switch")
class SwitchStep(Event):
    """A switch advanced by one step."""

    id: Annotated[int, "counts up; the steps of one switch have the same"]
    phase: Annotated[SwitchPhase, "the step"]
    origin: Annotated[Backend, "the backend that traffic leaves", WireName("from")]
    to: Annotated[Backend, "the backend that traffic goes to"]
    kind: Annotated[SwitchKind, "`promote` to the GPU, `demote` to the CPU"]
    reason: Annotated[str, "why; with `failed`, what went wrong; with `given_up`, why it is not needed any more"]
    mode: Annotated[ExecutionMode, "the mode after the step"]
    phases: Annotated[SwitchMoments, "when each step so far was reached"]

    @property
    def ordered(self) -> float:
        """The moment at which the switch was decided, in seconds since the epoch."""
        return self.phases.ordered if self.phases.ordered is not None else self.t

    @property
    def moved(self) -> float | None:
        """The moment at which traffic moved; None before, and where it never does."""
        return self.phases.moved


@event("gpu_lost")
class GpuLost(Event):
    """The GPU in use vanished or failed."""

    reason: Annotated[str, "what its driver says"]


@event("fallback")
class Fallback(Event):
    """The wanted backend is unavailable and the other one serves."""

    wanted: Annotated[Backend, "the backend that should serve"]
    got: Annotated[Backend, "the backend that serves"]
    reason: Annotated[str, "why"]
