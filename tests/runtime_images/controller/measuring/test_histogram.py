"""Histograms of many pods add up, and what a pod has done between two looks is never a negative number."""

from bisect import bisect_left
from itertools import accumulate
from math import ceil, inf, nextafter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_images.controller.measuring.histogram import EMPTY, Histogram, spread
from runtime_images.dynamic_runtime.telemetry.durations import BUCKETS

seconds = st.lists(st.floats(0.0011, 90.0), max_size=120)


def counted(values: list[float], bounds: tuple[float, ...] = BUCKETS) -> Histogram:
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[bisect_left(bounds, value)] += 1
    return Histogram(bounds, tuple(counts), sum(values))


def near(one: Histogram, other: Histogram) -> bool:
    return (one.bounds, one.counts) == (other.bounds, other.counts) and one.sum_s == pytest.approx(other.sum_s)


@given(seconds, seconds, seconds)
def test_adding_is_associative_and_in_any_order(one: list[float], two: list[float], three: list[float]) -> None:
    a, b, c = counted(one), counted(two), counted(three)

    assert near((a + b) + c, a + (b + c))
    assert near(a + b, b + a)
    assert near(a + b, counted(one + two))
    assert a + EMPTY == EMPTY + a == a


@given(seconds, seconds)
def test_what_was_counted_since_is_what_came_since(before: list[float], after: list[float]) -> None:
    assert near(counted(before + after).since(counted(before)), counted(after))


@given(seconds, seconds)
def test_a_source_that_has_started_anew_gives_no_negative_count(before: list[float], after: list[float]) -> None:
    since = counted(after).since(counted(before))

    assert min(since.counts) >= 0
    assert since.count <= len(after)
    assert since.sum_s >= 0


def test_a_source_that_counts_less_than_before_has_started_anew() -> None:
    assert counted([0.2, 0.3]).since(counted([0.1, 0.2, 0.3])) == counted([0.2, 0.3])


def test_other_bounds_are_another_source_and_cannot_be_added() -> None:
    coarse = counted([0.2], (0.1, 1.0))

    assert coarse.since(counted([0.2, 0.2])) == coarse
    with pytest.raises(ValueError, match="bounds"):
        counted([0.2]) + coarse


@given(st.lists(st.floats(0.0011, 90.0), min_size=1, max_size=400), st.floats(0.01, 1.0))
@settings(max_examples=200)
def test_each_quantile_of_what_is_made_of_it_lies_in_the_true_ones_bucket(values: list[float], q: float) -> None:
    made = spread(counted(values))
    rank = max(ceil(q * len(values)), 1) - 1

    assert len(made) == len(values)
    assert made[rank] == pytest.approx(sorted(values)[rank], rel=0.12)  # a bucket's width
    assert [bisect_left(BUCKETS, one) for one in made] == [bisect_left(BUCKETS, one) for one in sorted(values)]


def test_what_is_made_of_durations_just_above_a_bound_stays_above_it() -> None:
    just_above = nextafter(BUCKETS[1], inf)

    assert min(spread(counted([just_above] * 3))) > BUCKETS[1]


@given(st.lists(st.floats(0.0011, 90.0), min_size=1, max_size=400))
@settings(max_examples=200)
def test_what_is_made_of_it_adds_up_to_the_true_sum(values: list[float]) -> None:
    assert sum(spread(counted(values))) == pytest.approx(sum(values), rel=1e-6)


@pytest.mark.parametrize("typical_s", [0.004, 0.05, 0.3, 2.0, 20.0])
def test_the_p95_of_a_usual_load_is_within_three_percent(typical_s: float) -> None:
    values = [typical_s * 1.5 ** ((index * 0.618) % 1 * 4 - 2) for index in range(400)]
    made = spread(counted(values))

    assert made[379] == pytest.approx(sorted(values)[379], rel=0.03)


def test_what_is_over_the_last_bound_takes_what_the_others_leave_of_the_sum() -> None:
    knative = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

    assert spread(counted([40.0, 40.0], knative)) == [40.0, 40.0]
    assert spread(counted([0.2, 60.0], knative))[1] == pytest.approx(60.0, abs=0.1)


def test_of_very_many_as_many_as_are_asked_for_are_made_evenly_by_rank() -> None:
    values = [0.1] * 5000 + [1.0] * 5000
    made = spread(counted(values), 100)

    assert len(made) == 100
    assert sum(one < 0.5 for one in made) == 50


def test_buckets_as_prometheus_shows_them_are_read() -> None:
    read = Histogram.of([(inf, 5.0), (0.1, 1.0), (1.0, 3.0)], 4.2)

    assert read == Histogram((0.1, 1.0), (1, 2, 2), 4.2)
    assert list(accumulate(read.counts)) == [1, 3, 5]


@pytest.mark.parametrize("pairs", [[], [(0.1, 1.0)], [(0.1, 3.0), (inf, 1.0)]])
def test_what_is_no_histogram_is_refused(pairs: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="not the buckets"):
        Histogram.of(pairs, 1.0)
