"""What the policy expects: a latency that rises, a load that comes by the clock, a strategy that would have paid."""

import pytest

from runtime_images.policy.learning import rhythm
from runtime_images.policy.learning.trend import note, rises_over
from runtime_images.policy.planning import plans
from runtime_images.policy.planning.plans import NEVER, RELEASE_SOON, Terms
from runtime_images.policy.state import CostAccount, Rhythm

TERMS = Terms(start_gpu_s=10.0, start_cpu_s=1.0, extra=0.7, break_even_s=16.0, violation_s=30.0)


def trend_of(*seconds: float) -> tuple[tuple[float, float], ...]:
    return tuple((float(at), value) for at, value in enumerate(seconds))


def test_a_latency_on_its_way_over_the_slo_rises_over_it() -> None:
    assert rises_over(trend_of(0.3, 0.36, 0.42, 0.48, 0.54, 0.6, 0.66), 1.0, at=14.0)


def test_a_latency_that_will_not_have_passed_the_slo_in_time_does_not() -> None:
    assert not rises_over(trend_of(0.3, 0.36, 0.42, 0.48, 0.54, 0.6, 0.66), 1.0, at=8.0)


@pytest.mark.parametrize("seconds", [(0.3, 0.6, 0.4, 0.7, 0.3, 0.6, 0.7), (0.1, 0.1, 0.1, 0.6, 0.6, 0.6, 0.6)])
def test_neither_noise_nor_a_step_is_a_trend(seconds: tuple[float, ...]) -> None:
    assert not rises_over(trend_of(*seconds), 1.0, at=10.0)


def test_moments_of_a_trend_are_apart_by_a_share_of_the_start_up_time() -> None:
    trend = note(note((), 0.0, 0.5, start_up_s=8.0), 0.5, 0.6, start_up_s=8.0)

    assert trend == ((0.0, 0.5),)


def test_after_one_interval_the_next_beginning_is_expected_after_as_long_a_time() -> None:
    heard = rhythm.note_onset(rhythm.note_onset(Rhythm(), 100.0), 340.0)

    assert rhythm.expected_at(heard) == 580.0
    assert not rhythm.is_due(heard, 560.0, lead_s=10.0)
    assert rhythm.is_due(heard, 568.0, lead_s=10.0)
    assert rhythm.was_expected(heard, 583.0)


def test_once_disappointed_two_intervals_must_agree() -> None:
    heard = rhythm.note_silence(Rhythm((100.0, 340.0)), 700.0)

    assert heard == Rhythm((340.0,), disappointed=True)
    heard = rhythm.note_onset(heard, 900.0)
    assert rhythm.expected_at(heard) is None
    heard = rhythm.note_onset(heard, 1460.0)
    assert rhythm.expected_at(heard) == 2020.0


def _played(trouble_every_s: int, requests: int) -> CostAccount:
    """Two hours in which `requests` that need a GPU come at once, and nothing else."""
    account = CostAccount()
    for now in range(7200):
        if now % trouble_every_s == 0:
            account.pending_requests, account.pending_needed = requests, ((float(now), requests),)
            account.pending_breach = True
            account.served += requests
        plans.settle(account, TERMS, float(now), available=True)
    return account


def test_a_late_request_every_five_minutes_is_not_worth_a_gpu() -> None:
    assert plans.best(_played(300, 1), TERMS) == NEVER


def test_ten_late_requests_every_half_minute_are_worth_keeping_one() -> None:
    assert plans.best(_played(30, 10), TERMS) > RELEASE_SOON


def test_at_first_the_gpu_is_released_at_break_even() -> None:
    assert plans.best(CostAccount(), TERMS) == RELEASE_SOON


def test_more_requests_may_be_late_where_few_come() -> None:
    shares = [plans.allowed_share(CostAccount(), TERMS, rate) for rate in (0.01, 0.5, 10.0)]

    assert shares[0] == plans.ALLOWED_MOST
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == pytest.approx(0.05, abs=0.003)
