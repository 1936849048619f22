"""Under which conditions a run served, folded from its events: a replay that is to make its switches again needs them.

How long a start took is from the order until traffic moved, for the first one from the runtime's start until the
function was ready: so the moments of a replay are those of the recorded arrivals.
"""

from gaia_cli.simulator.traces.conditions import Conditions
from gaia_cli.version import __version__
from runtime_images.events.decisions import DecisionMade, SwitchPhase, SwitchStep
from runtime_images.events.lifecycle import Ready, Started
from runtime_images.events.model import Event
from runtime_images.events.traffic import Window
from runtime_images.policy.model import Backend, ExecutionMode


class Circumstances:
    """What a run's events say of its conditions; `slots` requests are served at once.

    `cpu_shares` are the shares that the policy was shown of the CPU backend: when, in seconds from the start, and what.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._begin(None)

    def _begin(self, started: Started | None) -> None:
        """Forget what a runtime before this one has said."""
        self._started = started
        self._is_ready = False
        self._starts_s: dict[Backend, list[float]] = {backend: [] for backend in Backend}
        self._expected_s: dict[Backend, dict[int, float | None]] = {backend: {} for backend in Backend}
        self.cpu_shares: list[tuple[float, float]] = []
        self._first_decision_s: float | None = None

    def apply(self, event: Event) -> None:
        """Take one event into account."""
        match event:
            case Started():
                self._begin(event)
            case DecisionMade() if self._started is not None and self._first_decision_s is None:
                self._first_decision_s = max(0.0, event.t - self._started.t)
            case Window():
                self._take_window(event)
            case Ready() if self._started is not None and not self._is_ready:
                self._is_ready = True
                self._starts_s[event.backend].append(max(0.0, event.t - self._started.t))
            case SwitchStep(phase=SwitchPhase.MOVED) if event.moved is not None:
                self._starts_s[event.to].append(max(0.0, event.moved - event.ordered))

    def _take_window(self, event: Window) -> None:
        for backend, lane in event.lanes.items():
            self._expected_s[backend][len(self._starts_s[backend])] = lane.start_s
        share = event.lanes[Backend.CPU].cpu_share if Backend.CPU in event.lanes else None
        if self._started is not None and share is not None:
            self.cpu_shares.append((event.t - self._started.t, share))

    def _expected(self, backend: Backend) -> tuple[float | None, ...]:
        """Return what was expected after so many starts; a start that no second has seen changed nothing."""
        expected, last_s = list[float | None](), None
        for count in range(max(self._expected_s[backend], default=-1) + 1):
            last_s = self._expected_s[backend].get(count, last_s)
            expected.append(last_s)
        return tuple(expected)

    @property
    def known(self) -> Conditions:
        """The conditions as far as they are known."""
        begun = self._started
        if begun is None:
            return Conditions(slots=self._slots, version=__version__)
        return Conditions(
            mode=_fixed_on(begun.backend) if begun.pinned else begun.mode,
            slo_p95_s=float("inf") if begun.slo.latency_p95_ms is None else begun.slo.latency_p95_ms / 1000.0,
            window_s=begun.slo.window_s,
            slots=self._slots,
            cpu_price=begun.prices.per_second(Backend.CPU),
            gpu_price=begun.prices.per_second(Backend.GPU),
            cpu_starts_s=tuple(self._starts_s[Backend.CPU]),
            gpu_starts_s=tuple(self._starts_s[Backend.GPU]),
            cpu_expected_s=self._expected(Backend.CPU),
            gpu_expected_s=self._expected(Backend.GPU),
            first_decision_s=self._first_decision_s,
            currency=begun.prices.currency,
            version=__version__,
        )


def _fixed_on(backend: Backend) -> ExecutionMode:
    """Return the mode that never leaves a backend, as a function that is pinned does not."""
    return ExecutionMode.CPU if backend is Backend.CPU else ExecutionMode.GPU
