"""What a person reads: numbers with their units, and a sentence for every rule that speaks."""

import re

import pytest

from gaia_cli.simulator.policies.registry import Gaia, observe
from gaia_cli.simulator.traces.generators import GENERATORS
from gaia_cli.simulator.world.backends import Backends
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import replay
from runtime_images.policy.decide import decide
from runtime_images.policy.model import Backend
from runtime_images.policy.rules.reasons import span
from tests.gaia_cli.simulator.decisions.replayed import sized
from tests.gaia_cli.simulator.decisions.test_decide import run

TIME = r"\d+(\.\d)? (ms|s|min|h)\b"


class Told(Gaia):
    """The policy; keeps the first reason that each rule gave."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.reasons: dict[str, str] = {}

    def choose(self, backends: Backends, now: float) -> Backend:
        self._state, decision = decide(self._settings, self._state, observe(backends, now), now)
        if decision.rule not in self.reasons:
            self.reasons[decision.rule] = decision.reason
        return decision.chosen


def reasons(generator: str) -> dict[str, str]:
    policy = Told(Scenario())
    replay(GENERATORS[generator](0), Scenario(), policy)
    return policy.reasons


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0041, "4.1 ms"), (0.0312, "31 ms"), (2.44, "2.4 s"), (90, "90 s"), (1203, "20 min"), (12240, "3.4 h")],
)
def test_a_time_is_told_in_the_unit_that_people_use(seconds: float, told: str) -> None:
    assert span(seconds) == told


def test_a_start_ahead_of_time_tells_how_fast_the_service_time_rises_and_when_the_gpu_is_ready() -> None:
    sentence = rf"the service time rose from {TIME} to {TIME} in {TIME} and will pass the SLO of 1.0 s before"

    assert re.match(sentence, reasons("ramp")["early"])


@pytest.mark.parametrize(
    ("grows_s", "said"), [(0.02, "to 290 ms in 6.2 s and will"), (0.04, "to 370 ms in 6.2 s and has")]
)
def test_a_service_time_that_is_over_the_slo_is_not_said_to_pass_it_yet(grows_s: float, said: str) -> None:
    sizes = [0.05 + grows_s * max(number - 40, 0) for number in range(100)]

    result = run(sized(3, sizes, lambda cpu_s: 0.02 + cpu_s / 60))

    assert said in next(decision.reason for _, decision in result.decisions if decision.rule == "early")


def test_a_demotion_tells_what_the_cpu_would_take_and_cost() -> None:
    sentence = rf"the CPU would have kept the SLO of 1.0 s for {TIME} \(p95 {TIME}\) at 29% of the GPU's price"

    assert re.match(sentence, reasons("square-wave")["calm"])


def test_a_function_that_waits_is_told_how_much_of_its_time_it_computes() -> None:
    assert "computes 1% of its time and waits the rest" in reasons("sleeper")["waits"]
