"""The small models, one by one."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.policy.learning.estimators import (
    BAD_STEP,
    alarm_step,
    alarm_threshold,
    closed_loop_clients,
    good_step,
    level_of,
    queue_wait_s,
    recent_from,
)
from runtime_images.policy.learning.relation import expect_cpu_s, learn_point, predict_cpu_s, predict_gpu_s
from runtime_images.policy.state import Point

POINTS = (Point(0.02, 0.1, 0.0), Point(0.08, 1.6, 0.0))


def test_a_level_does_not_see_one_outlier_among_five() -> None:
    level = level_of((0.1, 0.1, 9.0, 0.1, 0.1))

    assert level is not None
    assert (level.p50_s, level.p95_s) == (0.1, 0.1)
    assert level.mean_s == pytest.approx(0.1)


def test_a_level_of_few_requests_sees_the_worst() -> None:
    level = level_of((0.1, 0.5))

    assert level is not None
    assert level.p95_s == 0.5
    assert level_of(()) is None


def test_only_the_last_two_seconds_are_the_present() -> None:
    assert recent_from((1.0,) * 20 + (4.0,) * 6) == 20


def test_at_least_five_samples_are_kept_however_old() -> None:
    assert recent_from((1.0,) * 6 + (100.0,)) == 2


def test_at_most_forty_samples_are_kept() -> None:
    assert recent_from((1.0,) * 100) == 60


def test_two_gross_violations_or_three_plain_ones_are_trouble_at_a_low_rate() -> None:
    assert 2 * alarm_step(0.7, 0.3) >= alarm_threshold(0.05)
    assert 3 * alarm_step(0.4, 0.3) >= alarm_threshold(0.05) > 2 * alarm_step(0.4, 0.3)
    assert alarm_step(0.3, 0.3) == good_step(0.05) < 0


def test_a_higher_rate_asks_for_more_evidence() -> None:
    assert alarm_threshold(0.0) <= alarm_threshold(1.0) < alarm_threshold(10.0) <= alarm_threshold(1e6) <= 6 * BAD_STEP


def test_five_percent_of_bad_requests_do_not_raise_the_alarm_in_the_long_run() -> None:
    assert 0.05 * BAD_STEP + 0.95 * good_step(0.05) < 0 < 0.2 * BAD_STEP + 0.8 * good_step(0.05)


def test_a_prediction_goes_through_the_learned_points_and_between_them() -> None:
    assert predict_cpu_s(POINTS, 0.02) == pytest.approx(0.1)
    assert predict_cpu_s(POINTS, 0.08) == pytest.approx(1.6)
    assert predict_cpu_s(POINTS, 0.04) == pytest.approx(0.4)
    assert predict_cpu_s(POINTS, 0.01) == pytest.approx(0.05)
    assert predict_cpu_s((), 0.04) is None


def test_the_relation_can_be_read_both_ways() -> None:
    for gpu_s in (0.01, 0.02, 0.05, 0.08, 0.3):
        cpu_s = predict_cpu_s(POINTS, gpu_s)

        assert cpu_s is not None
        assert predict_gpu_s(POINTS, cpu_s) == pytest.approx(gpu_s)


@given(st.floats(0.001, 1.0), st.floats(0.0, 0.02), st.floats(0.0, 0.2))
def test_hope_never_predicts_more_than_caution(gpu_s: float, gpu_floor: float, cpu_floor: float) -> None:
    expected = expect_cpu_s(POINTS, gpu_s, gpu_floor, cpu_floor)

    assert expected is not None
    cautious, hopeful = expected
    assert cautious == predict_cpu_s(POINTS, gpu_s)
    assert hopeful <= cautious


def test_hope_finds_the_fixed_overhead_of_a_gpu() -> None:
    points = (Point(0.026, 0.35, 0.0),)

    assert expect_cpu_s(points, 0.0205, 0.02, 0.01) == pytest.approx((0.35 * 0.0205 / 0.026, 0.01 + 0.34 / 12))
    assert expect_cpu_s(points, 0.026, 0.02, 0.01) == pytest.approx((0.35, 0.35))


def test_hope_is_not_drawn_from_the_noise_of_a_gpu_that_shows_no_difference() -> None:
    same = 0.35 * 0.0295 / 0.030

    assert expect_cpu_s((Point(0.030, 0.35, 0.0),), 0.0295, 0.029, 0.01) == pytest.approx((same, same))


def test_a_new_point_replaces_what_was_known_at_its_scale() -> None:
    points = learn_point(POINTS, Point(0.021, 0.2, 5.0))

    assert points == (Point(0.021, 0.2, 5.0), POINTS[1])


def test_only_the_newest_points_are_kept() -> None:
    points: tuple[Point, ...] = ()
    for i in range(40):
        points = learn_point(points, Point(2.0**i, 1.0, float(i)))

    assert [point.at for point in points] == [float(i) for i in range(28, 40)]


def test_the_wait_grows_with_the_rate_until_it_is_endless() -> None:
    waits = [queue_wait_s(rate, 0.1, 1) for rate in (0.1, 2, 5, 8, 9, 10, 20)]

    assert waits[0] == 0.0
    assert waits == sorted(waits)
    assert waits[-1] == inf
    assert queue_wait_s(8, 0.1, 2) < queue_wait_s(8, 0.1, 1)


def test_a_closed_loop_is_known_by_its_constant_number_of_unanswered_requests() -> None:
    assert closed_loop_clients((3,) * 12, 30.0, 0.1) == 3
    assert closed_loop_clients((0, 3, 1, 0, 2, 0, 1, 0), 10.0, 0.1) is None
    assert closed_loop_clients((1,) * 12, 12.0, 0.03) is None  # an open stream seen in step with its arrivals
    assert closed_loop_clients((1,) * 3, 10.0, 0.1) is None  # too early to say


@pytest.mark.parametrize("gpu_s", [1.0, 2.0, 3.0])
def test_a_relation_to_times_of_next_to_nothing_is_none(gpu_s: float) -> None:
    points = (Point(2.2e-311, 5e-324, 0.0), Point(4.0, 1e160, 0.0))

    assert expect_cpu_s(points, gpu_s, None, None) is None
