"""Pods that are no pods: what they have answered is said, and they show it as a runtime would."""

from dataclasses import dataclass, field

from runtime_images.cluster.function import FunctionSettings, Scale
from runtime_images.controller.measuring.memory import FunctionMemory
from runtime_images.controller.measuring.numbers import PodNumbers
from runtime_images.controller.measuring.pods import Pod, PodId
from runtime_images.controller.observing import Asked, Measurement
from runtime_images.policy.model import CPU, Backend, ExecutionMode, Slo
from tests.runtime_images.controller.measuring.test_histogram import counted

KEY = ("faces", "resize")


@dataclass
class FakePod:
    """A pod that remembers what it has served: pairs of service time and wait."""

    name: str
    backend: Backend = CPU
    served: list[tuple[float, float]] = field(default_factory=list)
    failed: int = 0
    in_flight: int = 0
    waiting: int = 0
    waiting_oldest_s: float = 0.0
    idle_s: float | None = 0.0
    ready: bool = True
    has_gpu: bool | None = None
    answers: bool = True
    age_s: float = 0.0

    @property
    def pod(self) -> Pod:
        identity = PodId(KEY[0], self.name, f"uid-{self.name}")
        return Pod(identity, self.backend, f"resize-{self.backend}-00001", "198.18.0.7", self.ready, 2.0)

    @property
    def numbers(self) -> PodNumbers:
        return PodNumbers(
            latency=counted([service_s + waited_s for service_s, waited_s in self.served]),
            service=counted([service_s for service_s, _ in self.served]),
            failed=self.failed,
            arrived=len(self.served) + self.failed + self.in_flight + self.waiting,
            in_flight=self.in_flight,
            in_flight_oldest_s=0.2 if self.in_flight else 0.0,
            waiting=self.waiting,
            waiting_oldest_s=self.waiting_oldest_s,
            idle_s=self.idle_s,
            slots=1,
            cpu_share=0.9,
            has_gpu=self.has_gpu,
            age_s=self.age_s,
        )


@dataclass
class Cluster:
    """A function with pods, and its memory."""

    pods: list[FakePod]
    scale: Scale = field(default_factory=Scale)
    crowded: frozenset[Backend] = frozenset()
    memory: FunctionMemory | None = None

    @property
    def asked(self) -> Asked:
        settings = FunctionSettings("resize", ExecutionMode.CPU_PREFERRED, Slo(latency_p95_ms=250), scale=self.scale)
        return Asked(KEY, settings, {backend: f"resize-{backend}-00001" for backend in Backend})

    def measure(self, now: float) -> Measurement | None:
        self.memory = self.memory or FunctionMemory(now, busy_at=now)
        numbers = {one.pod.id: one.numbers for one in self.pods if one.answers}
        return self.memory.measure(self.asked, [one.pod for one in self.pods], self.crowded, numbers, now)

    def known(self, now: float) -> Measurement:
        measured = self.measure(now)
        assert measured is not None
        return measured
