"""What a runtime shows is what is read of it, and what is none of its own is refused or left out."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_images.controller.measuring.exposition import read
from runtime_images.dynamic_runtime.telemetry.backend_stats import AnswerRow
from runtime_images.dynamic_runtime.telemetry.durations import BUCKETS
from runtime_images.dynamic_runtime.telemetry.metrics import Metrics
from runtime_images.policy.model import Backend

REQUESTS = "gaia_requests_total 7.0\n"
rows = st.lists(
    st.builds(
        lambda status, waited, took: (status, 100.0, 100.0 + waited + took, int(took * 1e9), 0, 1),
        st.sampled_from([200, 204, 302, 404, 500, 503]),
        st.floats(0.0, 5.0),
        st.floats(0.002, 20.0),
    ),
    max_size=60,
)


def shown(cpu: list[AnswerRow], gpu: list[AnswerRow]) -> str:
    metrics = Metrics()
    metrics.answered(Backend.CPU, cpu)
    metrics.answered(Backend.GPU, gpu)
    return metrics.render().decode() + REQUESTS


@given(rows, rows)
@settings(max_examples=40)
def test_good_answers_and_failures_are_read_as_the_runtime_counted_them(
    cpu: list[AnswerRow], gpu: list[AnswerRow]
) -> None:
    for backend, served in ((Backend.CPU, cpu), (Backend.GPU, gpu)):
        numbers = read(shown(cpu, gpu), backend)
        good = [row for row in served if row[0] < 500]

        assert numbers.failed == len(served) - len(good)
        assert numbers.service.count == numbers.latency.count == len(good)
        assert numbers.service.sum_s == pytest.approx(sum(row[3] / 1e9 for row in good))
        assert numbers.latency.sum_s == pytest.approx(sum(row[2] - row[1] for row in good))
        assert not good or numbers.service.bounds == BUCKETS


def test_what_is_not_told_is_unknown_and_no_zero() -> None:
    numbers = read(REQUESTS, Backend.GPU)

    assert (numbers.arrived, numbers.in_flight, numbers.waiting) == (7, 0, 0)
    assert (numbers.idle_s, numbers.slots, numbers.cpu_share, numbers.start_up_s, numbers.has_gpu) == (None,) * 5


def test_numbers_of_the_other_backend_are_not_read() -> None:
    text = REQUESTS + 'gaia_cpu_share{backend="cpu"} 0.5\ngaia_requests_in_flight{backend="cpu"} 3.0\n'

    assert read(text, Backend.GPU).cpu_share is None
    assert read(text, Backend.GPU).in_flight == 0
    assert read(text, Backend.CPU).cpu_share == 0.5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>404</html>",
        "gaia_requests_total NaN\n",
        "gaia_requests_total -3\n",
        "gaia_requests_total 1e400\n",
        "gaia_requests_total many\n",
        REQUESTS + 'gaia_queue_depth{x="y"} Inf\n',
        REQUESTS + 'gaia_service_duration_seconds_bucket{backend="cpu",code="200",le="0.1"} 3\n',
        REQUESTS + 'gaia_service_duration_seconds_bucket{backend="cpu",code="200",le="+Inf"} 1e300\n',
        REQUESTS
        + 'gaia_service_duration_seconds_bucket{backend="cpu",code="200",le="0.1"} 3\n'
        + 'gaia_service_duration_seconds_bucket{backend="cpu",code="200",le="+Inf"} 2\n',
    ],
)
def test_what_a_runtime_would_not_say_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read(text, Backend.CPU)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        read(REQUESTS + text, Backend.CPU)
