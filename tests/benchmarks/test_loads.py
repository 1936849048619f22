"""The random loads of the policy's benchmark: the same seed always makes the same load, and a GPU can serve each."""

from collections import defaultdict
from math import isnan

import pytest

from benchmarks.loads import FAMILIES, RECORDINGS, random_load


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_and_a_seed_always_make_the_same_load(family: str) -> None:
    once, again, other = random_load(family, 3), random_load(family, 3), random_load(family, 4)

    assert once.scenario == again.scenario
    assert (once.trace.cpu_s, once.trace.think_s) == (again.trace.cpu_s, again.trace.think_s)
    assert once.trace.cpu_s != other.trace.cpu_s


@pytest.mark.parametrize("family", FAMILIES)
def test_a_gpu_has_time_for_every_minute_of_a_load_but_for_chance(family: str) -> None:
    load, busy_s = random_load(family, 7), defaultdict[int, float](float)
    for arrival_s, gpu_s in zip(load.trace.arrival_s, load.trace.gpu_s, strict=True):
        if not isnan(arrival_s):
            busy_s[int(arrival_s // 60)] += gpu_s

    assert max(busy_s.values(), default=0) < 60 * load.scenario.slots * 1.2


def test_a_recording_is_of_one_client_or_of_an_open_stream() -> None:
    open_ones = [name for name, make in RECORDINGS.items() if not any(map(isnan, make().trace.arrival_s))]

    assert len(RECORDINGS) == 18
    assert sorted(open_ones) == sorted(name for name in RECORDINGS if name.endswith("-open"))
