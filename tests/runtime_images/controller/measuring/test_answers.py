"""What the policy learns from is made of histograms, and says the same as the answers that they were made of."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_images.controller.measuring.answers import ages, answers
from tests.runtime_images.controller.measuring.test_histogram import counted

pairs = st.lists(st.tuples(st.floats(0.002, 20.0), st.floats(0.0, 30.0)), min_size=1, max_size=300)


@given(pairs)
@settings(max_examples=100)
def test_nobody_waits_a_negative_time(served: list[tuple[float, float]]) -> None:
    latencies_s, services_s = answers(counted([a + b for a, b in served]), counted([a for a, _ in served]))

    assert len(latencies_s) == len(services_s) == len(served)
    assert all(latency_s >= service_s for latency_s, service_s in zip(latencies_s, services_s, strict=True))


@given(st.lists(st.floats(0.002, 60.0), min_size=1, max_size=300), st.floats(0.0, 0.002))
@settings(max_examples=100)
def test_where_nobody_has_waited_no_edge_of_a_bucket_makes_a_wait(services_s: list[float], overhead_s: float) -> None:
    latency, service = counted([one + overhead_s for one in services_s]), counted(services_s)
    made = zip(*answers(latency, service), strict=True)

    assert all(latency_s - service_s <= 0.005 + 0.02 * service_s for latency_s, service_s in made)


@given(pairs, st.sampled_from([0.1, 0.25, 0.5, 1.0, 2.0, 5.0]))
@settings(max_examples=100)
def test_as_many_are_late_as_were_late_where_the_slo_is_a_round_number(
    served: list[tuple[float, float]], slo_s: float
) -> None:
    latencies = [a + b for a, b in served]
    late = sum(one > slo_s for one in latencies)
    made, _ = answers(counted(latencies), counted([a for a, _ in served]))
    waited = sum(b for _, b in served) / len(served) > 0.002 + 0.02 * sum(a for a, _ in served) / len(served)

    assert sum(one > slo_s + 1e-9 for one in made) == late or not waited


def test_any_run_of_them_looks_like_the_whole() -> None:
    services = [0.1] * 100 + [1.0] * 100
    latencies_s, _ = answers(counted(services), counted(services))

    assert all(30 <= sum(one > 0.5 for one in latencies_s[start : start + 100]) <= 70 for start in (0, 50, 100))


def test_no_more_are_made_than_the_policy_keeps() -> None:
    many = counted([0.2] * 100_000)

    assert [len(one) for one in answers(many, many)] == [512, 512]


def test_without_answers_there_are_none() -> None:
    assert answers(counted([]), counted([])) == ((), ())


def test_requests_have_come_evenly_since_the_oldest() -> None:
    assert ages(4, 2.0) == pytest.approx((2.0, 1.5, 1.0, 0.5))
    assert ages(0, 0.0) == ()
