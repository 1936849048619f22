"""What will run, where and why: everything that is shown before the function starts."""

from dataclasses import dataclass

from gaia_cli.running.choose import Choice
from runtime_images.policy.model import Accelerator, ExecutionMode, Slo


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A function, the mode it starts in, the engine and the accelerator, each with the reason for it."""

    function: str
    mode: ExecutionMode
    mode_reason: str
    engine: Choice
    accelerator: Choice
    slo: Slo

    @property
    def emulated(self) -> bool:
        """Whether the GPU lane is an emulation; every view of the lane says so."""
        return self.accelerator.name == Accelerator.EMULATED

    def sentences(self) -> tuple[tuple[str, str], ...]:
        """Return the plan as pairs of a word and its explanation."""
        target = self.slo.latency_p95_ms
        return (
            ("function", self.function),
            ("mode", f"{self.mode}: {self.mode_reason}"),
            ("engine", f"{self.engine.name}: {self.engine.reason}"),
            ("accelerator", f"{self.accelerator.name}: {self.accelerator.reason}"),
            ("SLO", "none" if target is None else f"p95 latency at most {target:g} ms"),
        )
