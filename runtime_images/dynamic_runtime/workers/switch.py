"""A switch of the traffic from one backend to the other, as it is told step by step."""

from dataclasses import dataclass, field
from typing import Any

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

    def describe(self, error: str = "") -> dict[str, Any]:
        """Its fields in the event of each step; an error goes in the place of the reason."""
        fields = {"id": self.id, "from": self.origin, "to": self.to, "kind": self.kind}
        return {**fields, "reason": error or self.reason, "phases": self.phases}
