"""What backends cost where the price of a second changes while they are held."""

import pytest

from runtime_images.dynamic_runtime.telemetry.spending import Spending
from runtime_images.node.stretch import AS_EVER, Stretch
from runtime_images.node.watch import Now
from runtime_images.policy.model import CPU, GPU, Prices


def test_each_second_costs_what_it_cost_when_it_was_held() -> None:
    now = [Now(AS_EVER)]
    spending = Spending(Prices(cpu_per_hour=3600.0, gpu_per_hour=7200.0), lambda: now[0])

    assert spending.by({CPU: 10.0, GPU: 0.0}) == pytest.approx(10.0)
    now[0] = Now(Stretch(0.0, gpu_price=0.5, gpu_w=40.0, joule_price=0.01))
    assert spending.by({CPU: 10.0, GPU: 4.0}) == pytest.approx(10.0 + 4 * (0.5 + 0.4))
    assert spending.by({CPU: 12.0, GPU: 4.0}) == pytest.approx(13.6 + 2 * 1.0)
