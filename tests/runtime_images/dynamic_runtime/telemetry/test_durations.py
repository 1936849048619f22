"""The histograms: fine enough for a p95, exact at round SLOs, and bounded whatever a function answers."""

from itertools import pairwise
from math import ceil, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from runtime_images.dynamic_runtime.telemetry.backend_stats import AnswerRow
from runtime_images.dynamic_runtime.telemetry.durations import BUCKETS, Durations
from runtime_images.policy.model import Backend

Counted = dict[tuple[str, str], list[tuple[float, float]]]


def row(status: int, service_s: float, waited_s: float = 0.0) -> AnswerRow:
    return (status, 100.0, 100.0 + waited_s + service_s, round(service_s * 1e9), 0, 1)


def buckets(durations: Durations, name: str) -> Counted:
    """Return bound and count of each bucket, by backend and code."""
    found: Counted = {}
    for family in text_string_to_metric_families(durations.render().decode()):
        for sample in family.samples:
            if sample.name == f"{name}_bucket":
                key = (sample.labels["backend"], sample.labels["code"])
                found.setdefault(key, []).append((float(sample.labels["le"]), sample.value))
    return found


def test_bounds_are_a_tenth_apart_where_a_quantile_matters() -> None:
    fine = [bound for bound in BUCKETS if bound <= 100]

    assert list(BUCKETS) == sorted(set(BUCKETS))
    assert max(above / below for below, above in pairwise(fine)) < 1.112
    assert (BUCKETS[0], BUCKETS[-1]) == (0.001, 600.0)


@pytest.mark.parametrize(
    "slo_ms", [5, 10, 20, 25, 50, 100, 150, 200, 250, 300, 500, 800, 1000, 2000, 2500, 5000, 10000]
)
def test_a_round_slo_is_a_bound(slo_ms: int) -> None:
    assert slo_ms / 1000 in BUCKETS


@given(st.lists(st.floats(0.001, 90.0), min_size=1, max_size=60), st.integers(1, 20))
@settings(max_examples=50)
def test_each_bucket_counts_what_is_not_above_its_bound(services_s: list[float], lot: int) -> None:
    durations = Durations()
    for start in range(0, len(services_s), lot):
        durations.add(Backend.CPU, [row(200, service_s) for service_s in services_s[start : start + lot]])
    told = buckets(durations, "gaia_service_duration_seconds")["cpu", "200"]
    exact = [round(service_s * 1e9) / 1e9 for service_s in services_s]

    assert told == [(bound, sum(one <= bound for one in exact)) for bound in (*BUCKETS, float("inf"))]


@given(st.lists(st.floats(0.0011, 90.0), min_size=1, max_size=200))
@settings(max_examples=50)
def test_the_p95_is_off_by_no_more_than_a_twentieth(services_s: list[float]) -> None:
    durations = Durations()
    durations.add(Backend.GPU, [row(200, service_s) for service_s in services_s])
    told = buckets(durations, "gaia_service_duration_seconds")["gpu", "200"]
    rank = ceil(0.95 * len(services_s))
    low, high = next((low, high) for (low, _), (high, count) in pairwise(told) if count >= rank)

    assert sqrt(low * high) == pytest.approx(sorted(services_s)[rank - 1], rel=0.055)


def test_the_wait_in_the_queue_is_in_the_request_and_not_in_the_service() -> None:
    durations = Durations()
    durations.add(Backend.CPU, [row(200, 0.1, waited_s=0.8)])

    def first(name: str) -> float:
        return next(bound for bound, count in buckets(durations, name)["cpu", "200"] if count)

    assert first("gaia_service_duration_seconds") == 0.1
    assert first("gaia_request_duration_seconds") == pytest.approx(0.94)


def test_a_function_that_answers_with_every_status_fills_no_memory() -> None:
    durations = Durations()
    for status in range(200, 1000):
        durations.add(Backend.CPU, [row(status, 0.01)])
    told = buckets(durations, "gaia_service_duration_seconds")
    counted = sum(rows[-1][1] for rows in told.values())

    assert counted == 800
    assert len(told) <= 16 + 8 + 1
    assert ("cpu", "499") in told
    assert ("cpu", "5xx") in told
