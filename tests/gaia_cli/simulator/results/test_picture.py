import pytest

from gaia_cli.simulator.policies.registry import POLICIES
from gaia_cli.simulator.results.comparison import judge
from gaia_cli.simulator.results.picture import BUCKETS, Band, bands, buckets, cost_so_far
from gaia_cli.simulator.world.backends import Change
from gaia_cli.simulator.world.node import Supply
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.simulator.world.world import replay
from runtime_images.policy.model import Backend
from tests.gaia_cli.simulator.support import closed

CPU, GPU = Backend.CPU, Backend.GPU


def test_bands_tell_who_served_and_what_was_starting() -> None:
    timeline = [
        Change(0.0, "start", CPU),
        Change(4.0, "active", CPU),
        Change(10.0, "start", GPU),
        Change(20.0, "active", GPU),
        Change(21.0, "release", CPU),
        Change(30.0, "start", CPU),
        Change(32.0, "cancel", CPU),
    ]

    assert bands(timeline, 40.0) == [
        Band(CPU, 0.0, 4.0, starting=True),
        Band(CPU, 4.0, 20.0),
        Band(GPU, 10.0, 20.0, starting=True),
        Band(GPU, 20.0, 40.0),
        Band(CPU, 30.0, 32.0, starting=True),
    ]


def test_nobody_serves_while_the_gpu_is_lost() -> None:
    timeline = [Change(0.0, "active", GPU), Change(5.0, "release", GPU), Change(9.0, "active", CPU)]

    assert bands(timeline, 12.0) == [Band(GPU, 0.0, 5.0), Band(CPU, 9.0, 12.0)]


def test_the_cost_line_ends_at_the_cost() -> None:
    trace, scenario = closed(300, cpu_s=2.0), Scenario()
    replayed = replay(trace, scenario, POLICIES["gaia"](scenario))

    line = cost_so_far(replayed.timeline, Supply(trace, scenario))

    at, cost = line[-1]
    assert at == replayed.ended_at
    assert cost == pytest.approx(judge(trace, scenario, replayed).cost)
    assert line == sorted(line)


def test_however_many_requests_there_are_a_picture_has_a_few_hundred_points() -> None:
    scenario = Scenario()
    replayed = replay(closed(3000, cpu_s=0.1), scenario, POLICIES["static-cpu"](scenario))

    points = buckets(replayed)

    assert len(points) <= BUCKETS + 1
    assert max(point.worst_ms for point in points) == pytest.approx(4100.0)
    assert points[-1].median_ms == pytest.approx(100.0)
