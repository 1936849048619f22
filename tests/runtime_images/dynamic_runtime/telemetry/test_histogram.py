"""The sliding window against exact quantiles."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.telemetry.histogram import MAX_US, LogLinearHistogram, SlidingWindow

BOUND = 0.016
microseconds = st.integers(0, MAX_US) | st.integers(0, 200) | st.sampled_from([2**n for n in range(36)])
share = st.floats(0.0, 1.0)


def exact(values: list[int], q: float) -> float:
    """The nearest-rank quantile in seconds."""
    rank = min(max(ceil(q * len(values)), 1), len(values))
    return sorted(values)[rank - 1] / 1e6


def filled(values: list[int]) -> LogLinearHistogram:
    histogram = LogLinearHistogram()
    SlidingWindow(span_s=1.0).add_all(0.0, [value / 1e6 for value in values], histogram)
    return histogram


def quantile(histogram: LogLinearHistogram, q: float) -> float | None:
    return histogram.quantiles((q,))[0]


def count(window: SlidingWindow, now: float, value_s: float) -> None:
    window.add_all(now, [value_s], LogLinearHistogram())


@given(st.lists(microseconds, min_size=1, max_size=200), share)
def test_a_quantile_is_within_the_bound_of_the_exact_one(values: list[int], q: float) -> None:
    answer = quantile(filled(values), q)

    assert answer == pytest.approx(exact(values, q), rel=BOUND, abs=1e-12)


@given(st.integers(0, 63))
def test_values_below_64_microseconds_are_exact(value: int) -> None:
    assert quantile(filled([value]), 0.5) == value / 1e6


@given(st.integers(MAX_US + 1, 2**80))
def test_a_value_beyond_the_last_bucket_counts_as_the_largest(value: int) -> None:
    assert quantile(filled([value]), 1.0) == quantile(filled([MAX_US]), 1.0)


def test_a_negative_value_counts_as_zero() -> None:
    assert quantile(filled([-5]), 0.5) == 0.0


def test_an_empty_histogram_has_no_quantiles() -> None:
    assert LogLinearHistogram().quantiles((0.5, 0.99)) == (None, None)


@given(st.lists(microseconds, max_size=50), st.lists(microseconds, max_size=50))
def test_a_removal_leaves_what_else_was_counted(left: list[int], right: list[int]) -> None:
    both = filled(left + right)

    both.remove(filled(right))

    assert both.buckets == filled(left).buckets


def test_a_cleared_histogram_starts_anew() -> None:
    histogram = filled([5, 10_000])

    histogram.clear()

    assert histogram.buckets == filled([]).buckets


@given(st.lists(st.tuples(st.integers(0, 4000), microseconds), min_size=1, max_size=60), st.integers(0, 4000))
def test_the_window_holds_the_young_and_never_the_old(samples: list[tuple[int, int]], wait_ms: int) -> None:
    window = SlidingWindow(span_s=1.024, slots=4)  # slices of 0.256 s
    now = 0.0
    times: list[tuple[float, int]] = []
    for step_ms, value in samples:
        now += step_ms / 1000
        count(window, now, value / 1e6)
        times.append((now, value))
    now += wait_ms / 1000

    sure = [value for when, value in times if now - when < 0.768 - 1e-9]
    possible = [value for when, value in times if now - when < 1.024 + 1e-9]

    answers = window.quantiles(now)
    assert any(
        answers == pytest.approx([exact(kept, q) for q in (0.5, 0.95, 0.99)], rel=BOUND, abs=1e-6)
        for size in range(max(len(sure), 1), len(possible) + 1)
        if (kept := possible[len(possible) - size :])
    ) or (answers == (None, None, None) and not sure)


def test_a_slice_expires_alone() -> None:
    window = SlidingWindow(span_s=4.0, slots=4)
    for second in range(4):
        count(window, second + 0.5, 2.0**second)

    medians = [window.quantiles(now, (0.5,))[0] for now in (3.9, 4.0, 5.0, 6.0)]
    assert medians == pytest.approx([2.0, 4.0, 4.0, 8.0], rel=BOUND)
    assert window.quantiles(7.0, (0.5,)) == (None,)


def test_a_long_silence_empties_the_window_and_it_fills_again() -> None:
    window = SlidingWindow(span_s=10.0)
    count(window, 0.0, 0.5)

    assert window.quantiles(1000.0, (0.95,)) == (None,)

    count(window, 1000.0, 0.25)

    assert window.quantiles(1000.0) == pytest.approx((0.25, 0.25, 0.25), rel=BOUND)


def test_time_that_runs_backwards_stands_still() -> None:
    window = SlidingWindow(span_s=4.0, slots=4)
    count(window, 100.0, 0.1)
    count(window, 90.0, 0.2)

    assert window.quantiles(90.0, (0.5, 1.0)) == window.quantiles(100.0, (0.5, 1.0))
    assert window.quantiles(100.0, (0.5, 1.0)) == pytest.approx((0.1, 0.2), rel=BOUND)


@pytest.mark.parametrize(("span_s", "slots"), [(0.0, 12), (-1.0, 12), (10.0, 0), (float("nan"), 12)])
def test_a_window_without_extent_is_refused(span_s: float, slots: int) -> None:
    with pytest.raises(ValueError, match="positive span"):
        SlidingWindow(span_s, slots)
