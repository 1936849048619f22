"""What a place gives at a moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.cluster.continuum import DAY_S, gpu_left_s, powered, slo_on_site
from runtime_images.cluster.function import FunctionSettings, Window
from runtime_images.policy.model import Accelerator, ExecutionMode, Slo

HOUR_S = 3600.0


def settings(*windows: tuple[int, int], **other: object) -> FunctionSettings:
    hours = tuple(Window(begin * 60, end * 60) for begin, end in windows)
    return FunctionSettings("f", ExecutionMode.CPU_PREFERRED, gpu_windows=hours, **other)  # type: ignore[arg-type] # any


@pytest.mark.parametrize(
    ("windows", "hour", "left"),
    [
        ((), 3, None),
        (((18, 6),), 3, 3),
        (((18, 6),), 6, 0),
        (((18, 6),), 12, 0),
        (((18, 6),), 18, 12),
        (((18, 6),), 23, 7),
        (((18, 24), (0, 6)), 23, 7),
        (((8, 12), (11, 14)), 9, 5),
        (((8, 12), (14, 15)), 9, 3),
        (((0, 12), (12, 24)), 5, None),
        (((0, 12), (6, 24)), 5, None),
    ],
)
def test_a_gpu_has_power_until_its_window_ends(
    windows: tuple[tuple[int, int], ...], hour: int, left: int | None
) -> None:
    assert gpu_left_s(settings(*windows), 5 * DAY_S + hour * HOUR_S) == (None if left is None else left * HOUR_S)


def test_a_place_without_an_accelerator_never_has_a_gpu() -> None:
    assert gpu_left_s(settings(accelerator=Accelerator.NONE), 0) == 0
    assert powered(settings(accelerator=Accelerator.NONE), 0, DAY_S) == []


def test_the_powered_spans_of_a_trace_begin_with_it() -> None:
    assert powered(settings((18, 6)), 17 * HOUR_S, 1.5 * DAY_S) == [(HOUR_S, 13 * HOUR_S), (25 * HOUR_S, 36 * HOUR_S)]
    assert powered(settings(), 17 * HOUR_S, 100.0) == [(0.0, 100.0)]
    assert powered(settings((8, 12)), 12 * HOUR_S, HOUR_S) == []


@given(
    st.lists(st.tuples(st.integers(0, 23), st.integers(0, 24)).filter(lambda one: one[0] != one[1] % 24), max_size=4),
    st.integers(0, 47),
    st.integers(0, 71),
)
def test_both_readings_agree_at_every_moment(windows: list[tuple[int, int]], start: int, ahead: int) -> None:
    place, at = settings(*windows), ahead * HOUR_S + 1.0
    left = gpu_left_s(place, start * HOUR_S + at)

    spans = powered(place, start * HOUR_S, 10 * DAY_S)
    here = next((end - at for begin, end in spans if begin <= at < end), 0.0)
    assert here == (10 * DAY_S - at if left is None else left)


def test_what_the_way_takes_is_no_longer_there_to_be_spent() -> None:
    assert slo_on_site(settings(slo=Slo(200), network_ms=40.0)) == Slo(160)
    assert slo_on_site(settings(slo=Slo(200))) == Slo(200)
    assert slo_on_site(settings(network_ms=40.0)) == Slo()
    assert slo_on_site(settings(slo=Slo(20), network_ms=40.0)) == Slo(1)
