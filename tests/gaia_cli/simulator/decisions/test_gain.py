"""When has a promotion gained nothing? A few unequal requests do not tell, and a little may be enough."""

from random import Random

import pytest

from tests.gaia_cli.simulator.decisions.replayed import Request
from tests.gaia_cli.simulator.decisions.test_decide import run


def noisy(cpu_s: float, gpu_s: float, spread: float, seed: int) -> list[Request]:
    """Two requests a second for half a minute, whose times vary independently on the two backends."""
    random = Random(seed)  # noqa: S311 -- a load, not a secret
    return [
        Request(cpu_s * random.lognormvariate(0.0, spread), gpu_s * random.lognormvariate(0.0, spread), i / 2)
        for i in range(60)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_gpu_a_third_faster_is_not_left_for_chance(seed: int) -> None:
    result = run(noisy(0.4, 0.26, 0.25, seed))

    assert result.promotions
    assert "no_gain" not in result.rules


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_gpu_a_little_faster_is_kept_where_that_is_what_the_slo_lacks(seed: int) -> None:
    result = run(noisy(0.31, 0.27, 0.01, seed))

    assert result.promotions
    assert "no_gain" not in result.rules


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_gpu_that_is_no_faster_is_left_though_times_vary(seed: int) -> None:
    result = run(noisy(0.4, 0.4, 0.1, seed))

    assert "no_gain" in result.rules
    assert result.demotions[0] - result.promotions[0] < 10.0
