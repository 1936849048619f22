from typing import Any

import pytest

from gaia_cli.simulator.results.as_json import as_object
from gaia_cli.simulator.results.comparison import compare, standings
from gaia_cli.simulator.world.scenario import Scenario
from tests.gaia_cli.simulator.support import closed

SCENARIO = Scenario()


def test_the_oracle_is_the_measure_even_where_it_is_not_asked_for() -> None:
    compared = compare(closed(50, cpu_s=0.2), SCENARIO, ["static-gpu"])

    ratio = compared.versus_oracle("static-gpu")
    assert ratio is not None
    assert ratio > 1.5
    assert list(compared.outcomes) == ["static-gpu"]


def test_the_mean_is_geometric_and_the_worst_is_named() -> None:
    compared = [compare(closed(50, cpu_s=cpu_s), SCENARIO) for cpu_s in (0.2, 3.0)]

    summary = {one.policy: one for one in standings(compared, ("oracle", "static-cpu"))}
    ratios = [one.versus_oracle("static-cpu") or 0.0 for one in compared]

    assert summary["oracle"].geometric_mean == pytest.approx(1.0)
    assert summary["static-cpu"].geometric_mean == pytest.approx((ratios[0] * ratios[1]) ** 0.5)
    assert summary["static-cpu"].worst == max(ratios)


def test_where_the_optimum_costs_nothing_there_is_no_ratio() -> None:
    free = Scenario(cpu_price=0.0, gpu_price=0.0)
    compared = compare(closed(20), free)

    assert compared.versus_oracle("gaia") is None
    assert standings([compared], ("gaia",)) == []
    result: Any = as_object([compared], [])
    assert result["policies"][0]["objective_vs_oracle"] is None
