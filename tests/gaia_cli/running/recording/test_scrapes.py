"""Requests made of scrapes: as many as came, when they came to within an interval, as long as the histogram says."""

import pytest

from gaia_cli.running.recording.scrapes import Buckets, Scrape, requests_of
from runtime_images.controller.measuring.histogram import Histogram
from runtime_images.policy.model import CPU, GPU

INF = float("inf")


def histogram(*counts: int, sum_s: float) -> Histogram:
    """Counts of durations up to 0.1 s, up to 0.2 s, and over that."""
    return Histogram((0.1, 0.2), counts, sum_s)


def test_requests_come_evenly_within_an_interval_and_take_what_its_histogram_says() -> None:
    scrapes = [
        Scrape(100.0, 5.0, {CPU: histogram(5, 0, 0, sum_s=0.3)}),
        Scrape(110.0, 9.0, {CPU: histogram(7, 2, 0, sum_s=0.76)}, {CPU: 0.5}),
        Scrape(120.0, 9.0, {CPU: histogram(7, 2, 0, sum_s=0.76)}),
    ]

    rows = requests_of([scrapes])

    assert [row.arrival_s for row in rows] == [1.25, 3.75, 6.25, 8.75]
    assert sum(row.service_ms for row in rows) == pytest.approx(460.0)
    assert sorted(row.service_ms > 100.0 for row in rows) == [False, False, True, True]
    assert all(row.cpu_time_ms == pytest.approx(row.service_ms / 2) for row in rows)
    assert {row.backend for row in rows} == {CPU}


def test_a_runtime_that_started_anew_has_counted_from_nothing() -> None:
    scrapes = [
        Scrape(0.0, 50.0, {CPU: histogram(50, 0, 0, sum_s=2.0)}),
        Scrape(10.0, 3.0, {CPU: histogram(3, 0, 0, sum_s=0.15)}),
    ]

    assert len(requests_of([scrapes])) == 3


def test_at_a_switch_the_answers_of_the_backend_that_goes_on_come_last() -> None:
    scrapes = [
        Scrape(0.0, 0.0),
        Scrape(10.0, 4.0, {CPU: histogram(0, 1, 0, sum_s=0.15), GPU: histogram(3, 0, 0, sum_s=0.15)}),
    ]

    assert [row.backend for row in requests_of([scrapes])] == [CPU, GPU, GPU, GPU]


def test_the_requests_of_several_pods_are_put_together_in_their_order() -> None:
    one = [Scrape(0.0, 0.0), Scrape(10.0, 1.0, {CPU: histogram(1, 0, 0, sum_s=0.05)})]
    other = [Scrape(2.0, 0.0), Scrape(4.0, 2.0, {GPU: histogram(2, 0, 0, sum_s=0.1)})]

    assert [(row.arrival_s, row.backend) for row in requests_of([one, other])] == [(2.5, GPU), (3.5, GPU), (5.0, CPU)]


def test_samples_of_all_statuses_of_a_backend_are_one_histogram() -> None:
    buckets, runtime = Buckets(), (("pod", "a"),)
    for code, count in (("200", 3.0), ("404", 1.0)):
        for bound in (0.1, INF):
            buckets.add(runtime, 5.0, CPU, code, bound, count)
        buckets.add_sum(runtime, 5.0, CPU, code, 0.05 * count)

    assert buckets.histograms() == {(runtime, 5.0): {CPU: Histogram((0.1,), (4, 0), 0.2)}}
