"""A switch of the traffic from one backend to the other, as it is told step by step."""

from dataclasses import dataclass, field

from runtime_images.policy.model import Backend


@dataclass(slots=True)
class Switch:
    """One switch and the moments of its phases (seconds since the epoch)."""

    id: int
    origin: Backend
    to: Backend
    reason: str
    phases: dict[str, float] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Whether it is a promotion or a demotion."""
        return "promote" if self.to is Backend.GPU else "demote"
