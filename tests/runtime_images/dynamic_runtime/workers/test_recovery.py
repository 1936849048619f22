"""Pauses grow and are bounded, a healthy life wipes the count, and giving up comes after more than five failures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.workers import recovery
from runtime_images.dynamic_runtime.workers.recovery import FailureRecord
from runtime_images.policy import pauses


def test_a_start_that_fails_is_tried_again_ever_later_until_the_backend_is_given_up() -> None:
    record, pauses = FailureRecord(), []
    while not record.is_broken:
        record = recovery.start_failed(record, "import", "no", (), 10.0, in_demand=True)
        pauses.append(round(record.retry_at_s - 10.0, 3))

    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4]
    assert record.status == "SETUP_FAILED"


def test_code_that_cannot_be_served_is_given_up_at_once() -> None:
    assert recovery.start_failed(FailureRecord(), "signature", "no", (), 0.0, in_demand=True).is_broken


@pytest.mark.parametrize(
    ("served_s", "answers", "steady"),
    [(30.0, 0, True), (0.5, 100, True), (29.9, 99, False), (1.0, 5, False), (0.0, 0, False)],
)
def test_a_worker_that_served_for_long_or_answered_often_was_healthy(
    served_s: float, answers: int, steady: bool
) -> None:
    assert recovery.is_steady(served_s, answers) is steady


def test_a_healthy_worker_that_dies_is_replaced_at_once_however_often() -> None:
    record = FailureRecord()
    for _ in range(30):
        record, pause_s = recovery.crashed(record, "signal 9", (), was_steady=True)

        assert pause_s == 0.0
    assert not record.is_broken


def test_a_worker_that_keeps_dying_is_defunct() -> None:
    record = FailureRecord(was_ready=True)
    pauses = []
    while not record.is_broken:
        record, pause_s = recovery.crashed(record, "signal 11", ("line",), was_steady=False)
        pauses.append(pause_s)

    assert pauses == [0.0, 0.2, 0.4, 0.8, 1.6, 3.2]
    assert (record.status, record.log) == ("DEFUNCT", ("line",))


def test_a_device_that_is_lost_again_and_again_is_tried_ever_later() -> None:
    record, pauses = FailureRecord(), []
    for _ in range(9):
        record = recovery.device_lost(record, "gone", 100.0, was_steady=False)
        pauses.append(record.retry_at_s - 100.0)

    assert pauses == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    assert recovery.device_lost(record, "gone", 100.0, was_steady=True).retry_at_s == 105.0
    assert not record.usable(699.0)
    assert record.usable(700.0)


@given(st.integers(0, 10_000))
def test_pauses_never_shrink_and_are_bounded(failures: int) -> None:
    assert pauses.restart_pause_s(failures) <= pauses.restart_pause_s(failures + 1) <= pauses.LONGEST_PAUSE_S
    later = pauses.switch_pause_s(failures + 1)
    assert pauses.switch_pause_s(failures) <= later <= pauses.LONGEST_SWITCH_PAUSE_S
