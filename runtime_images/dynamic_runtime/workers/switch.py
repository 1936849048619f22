"""A switch of the traffic from one backend to the other, as its events report it step by step."""

from dataclasses import dataclass, field, replace

from runtime_images.events.decisions import SwitchKind, SwitchMoments, SwitchPhase, SwitchStep
from runtime_images.policy.model import Backend, ExecutionMode


@dataclass(slots=True)
class Switch:
    """One switch and the moments of the steps that it has reached."""

    id: int
    origin: Backend
    to: Backend
    reason: str
    moments: SwitchMoments = field(default_factory=SwitchMoments)

    @property
    def kind(self) -> SwitchKind:
        """Whether it is a promotion or a demotion."""
        return SwitchKind.towards(self.to)

    def reach(self, step: str, t: float) -> None:
        """Note that a step, a field of `SwitchMoments`, was reached at `t`, in seconds since the epoch."""
        self.moments = replace(self.moments, **{step: t})

    def step(self, phase: SwitchPhase, mode: ExecutionMode, error: str = "") -> SwitchStep:
        """Return the event of a step; an error goes in the place of the reason."""
        return SwitchStep(self.id, phase, self.origin, self.to, self.kind, error or self.reason, mode, self.moments)
