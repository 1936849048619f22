from math import inf

from gaia_cli.running.recording.circumstances import Circumstances
from gaia_cli.simulator.traces.conditions import Conditions
from gaia_cli.version import __version__
from runtime_images.events.decisions import DecisionMade, SwitchKind, SwitchMoments, SwitchPhase, SwitchStep
from runtime_images.events.lifecycle import Ready, Started
from runtime_images.events.model import Event
from runtime_images.events.traffic import BackendStatus, SloState, Totals, Window
from runtime_images.policy.model import Accelerator, Backend, ExecutionMode, Prices, Slo

CPU, GPU = Backend.CPU, Backend.GPU
PREFERRED = ExecutionMode.CPU_PREFERRED


def started(t: float, *, slo_ms: float | None = 500.0, pinned: bool = False) -> Started:
    slo, prices = Slo(latency_p95_ms=slo_ms, window_s=30.0), Prices(3.6, 36.0, "EUR")
    return Started(1, "f", PREFERRED, pinned, Accelerator.EMULATED, CPU, slo, prices, t=t)


def ready(t: float) -> Ready:
    return Ready("http://here", "", CPU, PREFERRED, "func.py:handler", "handler", 0.1, t=t)


def step(phase: SwitchPhase, to: Backend, ordered: float, moved: float | None = None) -> SwitchStep:
    kind = SwitchKind.towards(to)
    return SwitchStep(1, phase, to.other, to, kind, "slow", PREFERRED, SwitchMoments(ordered=ordered, moved=moved))


def second(t: float, cpu: BackendStatus, gpu: BackendStatus = BackendStatus()) -> Window:  # noqa: B008 -- frozen
    lanes = {CPU: cpu, GPU: gpu}
    return Window(PREFERRED, CPU, None, SloState.MET, 0, "", lanes, {}, None, Totals(), t=t)


def known(*events: Event) -> Conditions:
    circumstances = Circumstances(slots=2)
    for event in events:
        circumstances.apply(event)
    return circumstances.known


def test_a_run_s_events_say_its_conditions_and_how_long_each_start_took() -> None:
    found = known(
        started(100.0),
        ready(101.5),
        step(SwitchPhase.ORDERED, GPU, 110.0),
        step(SwitchPhase.MOVED, GPU, 110.0, 114.0),
        step(SwitchPhase.DRAINED, GPU, 110.0, 114.0),
        step(SwitchPhase.MOVED, CPU, 130.0, 130.25),
        step(SwitchPhase.FAILED, GPU, 140.0),
    )

    assert found == Conditions(
        PREFERRED, 0.5, 30.0, 2, 0.001, 0.01, (1.5, 0.25), (4.0,), currency="EUR", version=__version__
    )


def test_without_an_slo_no_latency_is_asked_for() -> None:
    assert known(started(1.0, slo_ms=None)).slo_p95_s == inf


def test_a_function_that_is_pinned_never_leaves_its_backend() -> None:
    assert known(started(1.0, pinned=True)).mode is ExecutionMode.CPU


def test_the_first_decision_says_when_the_others_were() -> None:
    decided = [DecisionMade(CPU, CPU, GPU, "well", "", {}, t=t) for t in (101.125, 104.375)]

    assert known(started(100.0), *decided).first_decision_s == 1.125


def test_a_runtime_that_is_started_once_more_begins_anew() -> None:
    assert known(started(1.0), ready(2.0), started(10.0), ready(10.5)).cpu_starts_s == (0.5,)


def test_what_was_expected_of_the_next_start_is_known_by_the_starts_before() -> None:
    found = known(
        started(0.0),
        second(1.0, BackendStatus()),
        ready(1.5),
        second(2.0, BackendStatus(start_s=0.1), BackendStatus(start_s=0.1)),
        step(SwitchPhase.MOVED, GPU, 3.0, 4.0),
        step(SwitchPhase.MOVED, CPU, 4.1, 4.2),
        second(5.0, BackendStatus(start_s=0.2), BackendStatus(start_s=0.9)),
    )

    assert found.cpu_expected_s == (None, 0.1, 0.2)
    assert found.gpu_expected_s == (0.1, 0.9)


def test_the_shares_that_the_policy_was_shown_are_counted_from_the_start() -> None:
    circumstances = Circumstances(slots=1)
    for event in (started(100.0), second(101.0, BackendStatus()), second(102.0, BackendStatus(cpu_share=0.75))):
        circumstances.apply(event)

    assert circumstances.cpu_shares == [(2.0, 0.75)]


def test_before_anything_has_started_little_is_known() -> None:
    assert known() == Conditions(slots=2, version=__version__)
