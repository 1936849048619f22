"""Requests counted in bulk are counted as one by one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.telemetry.backend_stats import AnswerRow, BackendStats
from runtime_images.dynamic_runtime.telemetry.metrics import Metrics
from runtime_images.dynamic_runtime.telemetry.observer import ArrivalRate
from runtime_images.policy.model import Backend, Slo

rows = st.lists(
    st.builds(
        lambda status, arrived, took: (status, arrived, arrived + took, int(took * 1e9), 0, 1),
        st.sampled_from([200, 404, 500, 503]),
        st.floats(100.0, 100.5),
        st.floats(0.0, 20.0),
    ),
    max_size=80,
)


def samples(metrics: Metrics) -> list[str]:
    return [line for line in metrics.render().decode().splitlines() if line.startswith("gaia_request_duration")]


@settings(max_examples=25)
@given(rows, st.integers(1, 20))
def test_counting_in_bulk_and_in_small_lots_come_to_the_same(rows: list[AnswerRow], lot: int) -> None:
    rows.sort(key=lambda row: row[2])
    bulk, lots = BackendStats(Slo(window_s=60)), BackendStats(Slo(window_s=60))
    bulk_metrics, lots_metrics = Metrics(), Metrics()
    bulk.add(list(rows))
    bulk_metrics.answered(Backend.CPU, bulk.count())
    for start in range(0, len(rows), lot):
        lots.add(rows[start : start + lot])
        lots_metrics.answered(Backend.CPU, lots.count())

    assert (bulk.requests, bulk.errors) == (lots.requests, lots.errors)
    assert (len(rows), sum(row[0] >= 500 for row in rows)) == (bulk.requests, bulk.errors)
    assert bulk.recent == lots.recent
    assert bulk.last_second.quantiles((0.5, 0.95)) == lots.last_second.quantiles((0.5, 0.95))
    ours, theirs = samples(bulk_metrics), samples(lots_metrics)
    assert sorted(line for line in ours if "_sum" not in line) == sorted(line for line in theirs if "_sum" not in line)


def test_a_duration_on_the_bound_of_a_bucket_is_in_it() -> None:
    metrics = Metrics()
    metrics.answered(Backend.CPU, [(200, 0.0, 0.25, 0, 0, 1), (200, 0.0, 0.26, 0, 0, 1)])
    lines = samples(metrics)

    assert 'gaia_request_duration_seconds_bucket{backend="cpu",code="200",le="0.1"} 0' in lines
    assert 'gaia_request_duration_seconds_bucket{backend="cpu",code="200",le="0.25"} 1' in lines
    assert 'gaia_request_duration_seconds_bucket{backend="cpu",code="200",le="+Inf"} 2' in lines


def test_the_arrival_rate_is_over_the_last_five_seconds() -> None:
    rate = ArrivalRate(100.0)

    assert rate.rate(101.0, 50) == 10.0
    assert rate.rate(104.0, 10_000) == 2000.0
    assert rate.rate(107.0, 10_000) == pytest.approx((10_000 - 50) / 5)
    assert rate.rate(120.0, 10_000) == 0.0
