"""The sliding window against exact quantiles."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.window import MAX_US, LogLinearHistogram, SlidingWindow

BOUND = 0.016
microseconds = st.integers(0, MAX_US) | st.integers(0, 200) | st.sampled_from([2**n for n in range(36)])
share = st.floats(0.0, 1.0)


def exact(values: list[int], q: float) -> float:
    """The nearest-rank quantile in seconds."""
    rank = min(max(ceil(q * len(values)), 1), len(values))
    return sorted(values)[rank - 1] / 1e6


def filled(values: list[int]) -> LogLinearHistogram:
    histogram = LogLinearHistogram()
    for value in values:
        histogram.add(value)
    return histogram


@given(st.lists(microseconds, min_size=1, max_size=200), share)
def test_a_quantile_is_within_the_bound_of_the_exact_one(values: list[int], q: float) -> None:
    answer = filled(values).quantile(q)

    assert answer == pytest.approx(exact(values, q), rel=BOUND, abs=1e-12)


@given(st.integers(0, 63))
def test_values_below_64_microseconds_are_exact(value: int) -> None:
    assert filled([value]).quantile(0.5) == value / 1e6


@given(st.integers(MAX_US + 1, 2**80))
def test_a_value_beyond_the_last_bucket_counts_as_the_largest(value: int) -> None:
    assert filled([value]).quantile(1.0) == filled([MAX_US]).quantile(1.0)


def test_a_negative_value_counts_as_zero() -> None:
    assert filled([-5]).quantile(0.5) == 0.0


def test_an_empty_histogram_has_no_quantiles() -> None:
    histogram = LogLinearHistogram()

    assert histogram.count == 0
    assert histogram.quantile(0.95) is None
    assert histogram.quantiles((0.5, 0.99)) == (None, None)


@given(st.lists(microseconds, max_size=50), st.lists(microseconds, max_size=50), share)
def test_a_merge_counts_both_and_a_removal_undoes_it(left: list[int], right: list[int], q: float) -> None:
    merged = filled(left)
    merged.merge(filled(right))

    assert merged.count == len(left) + len(right)
    assert merged.quantile(q) == filled(left + right).quantile(q)

    merged.remove(filled(right))

    assert merged.count == len(left)
    assert merged.quantile(q) == filled(left).quantile(q)


def test_a_cleared_histogram_starts_anew() -> None:
    histogram = filled([5, 10_000])

    histogram.clear()
    histogram.add(7)

    assert (histogram.count, histogram.quantile(1.0)) == (1, 7e-6)


@given(st.lists(st.tuples(st.integers(0, 4000), microseconds), min_size=1, max_size=60), st.integers(0, 4000))
def test_the_window_holds_the_young_and_never_the_old(samples: list[tuple[int, int]], wait_ms: int) -> None:
    window = SlidingWindow(span_s=1.024, slots=4)  # slices of 0.256 s
    now = 0.0
    times: list[tuple[float, int]] = []
    for step_ms, value in samples:
        now += step_ms / 1000
        window.add(now, value / 1e6)
        times.append((now, value))
    now += wait_ms / 1000

    sure = [value for when, value in times if now - when < 0.768 - 1e-9]
    possible = [value for when, value in times if now - when < 1.024 + 1e-9]

    assert len(sure) <= window.count(now) <= len(possible)
    kept = possible[len(possible) - window.count(now) :]
    for q, answer in zip((0.5, 0.95, 0.99), window.quantiles(now), strict=True):
        if kept:
            assert answer == pytest.approx(exact(kept, q), rel=BOUND, abs=1e-6)
        else:
            assert answer is None


def test_a_slice_expires_alone() -> None:
    window = SlidingWindow(span_s=4.0, slots=4)
    for second in range(4):
        window.add(second + 0.5, 0.001 * (second + 1))

    assert [window.count(now) for now in (3.9, 4.0, 5.0, 6.0, 7.0)] == [4, 3, 2, 1, 0]


def test_a_long_silence_empties_the_window_and_it_fills_again() -> None:
    window = SlidingWindow(span_s=10.0)
    window.add(0.0, 0.5)

    assert window.quantiles(1000.0, (0.95,)) == (None,)

    window.add(1000.0, 0.25)

    assert window.quantiles(1000.0) == pytest.approx((0.25, 0.25, 0.25), rel=BOUND)


def test_time_that_runs_backwards_stands_still() -> None:
    window = SlidingWindow(span_s=4.0, slots=4)
    window.add(100.0, 0.1)
    window.add(90.0, 0.2)

    assert window.count(90.0) == window.count(100.0) == 2


def test_the_rate_is_over_the_time_covered_so_far() -> None:
    window = SlidingWindow(span_s=10.0, slots=10)
    for step in range(21):
        window.add(step / 10, 0.001)

    assert window.rate(2.0) == pytest.approx(10.5)
    assert window.rate(9.0) == pytest.approx(21 / 9)
    assert window.rate(11.5) == pytest.approx(1 / 9.5)
    assert window.rate(50.0) == 0.0


def test_a_burst_in_the_first_instant_is_not_an_endless_rate() -> None:
    window = SlidingWindow(span_s=10.0, slots=10)
    for _ in range(5):
        window.add(3.0, 0.001)

    assert window.rate(3.0) == 5.0


@pytest.mark.parametrize(("span_s", "slots"), [(0.0, 12), (-1.0, 12), (10.0, 0), (float("nan"), 12)])
def test_a_window_without_extent_is_refused(span_s: float, slots: int) -> None:
    with pytest.raises(ValueError, match="positive span"):
        SlidingWindow(span_s, slots)
