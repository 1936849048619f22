"""No failure is final: pauses grow and are bounded, a good answer ends a row, and a request that kills costs none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.workers import recovery
from runtime_images.dynamic_runtime.workers.recovery import FailureRecord
from runtime_images.policy import pauses
from runtime_images.policy.model import Backend


def failed(record: FailureRecord, kind: str = "import", *, good: int = 0, in_demand: bool = True) -> FailureRecord:
    return recovery.start_failed(record, kind, "no", (), 10.0, good, in_demand=in_demand)


def died(record: FailureRecord, *, good: int = 0, lived_s: float = 1.0, at_work: bool = True) -> FailureRecord:
    return recovery.died(record, "signal 11", ("line",), good, lived_s, at_work=at_work)


def test_a_start_that_fails_is_tried_again_ever_later_but_for_ever() -> None:
    record, paused = FailureRecord(), []
    for _ in range(12):
        record = failed(record)
        paused.append(record.pause_s)

        assert record.retry_at_s == 10.0 + record.pause_s
        assert record.usable(record.retry_at_s)
    assert paused == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0, 30.0, 30.0])


def test_requests_wait_for_a_few_failures_and_are_refused_then() -> None:
    record, failing = FailureRecord(), []
    for _ in range(7):
        record = failed(record)
        failing.append(record.is_failing)

    assert failing == [False] * 5 + [True] * 2


def test_code_that_cannot_be_served_is_tried_again_after_the_longest_pause_and_not_elsewhere() -> None:
    record = failed(FailureRecord(), "signature")

    assert (record.pause_s, record.is_failing) == (pauses.LONGEST_PAUSE_S, True)
    assert not record.may_leave(Backend.CPU)
    assert not record.may_leave(Backend.GPU)
    assert not failed(record, "import").hopeless


@given(st.lists(st.booleans(), max_size=40))
def test_requests_that_end_workers_cause_no_pause_however_many(well_between: list[bool]) -> None:
    record, good = FailureRecord(), 0
    for well in well_between:
        good += well
        record = died(record, good=good)

        assert record.pause_s == 0.0
        assert not record.is_failing
        assert not record.may_leave(Backend.CPU), "they would end a dearer worker just as well"


def test_a_gpu_whose_workers_die_at_every_request_is_left_and_one_that_answers_between_is_not() -> None:
    bad = well = FailureRecord()
    for number in range(6):
        bad, well = died(bad), died(well, good=number + 1)

    assert bad.may_leave(Backend.GPU)
    assert not well.may_leave(Backend.GPU)


def test_a_gpu_that_is_left_again_and_again_is_tried_ever_later_until_it_has_answered_well() -> None:
    record, paused = FailureRecord(), []
    for _ in range(9):
        for _ in range(6):
            record = died(record)
        record = recovery.left(record, 100.0)
        paused.append(record.retry_at_s - 100.0)
    forgiven = recovery.left(died(record, good=1), 100.0)

    assert paused == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    assert forgiven.retry_at_s == 105.0


@pytest.mark.parametrize(("good", "lived_s"), [(1, 0.1), (0, 30.0)])
def test_a_good_answer_or_a_long_life_ends_a_row_of_failures(good: int, lived_s: float) -> None:
    record = FailureRecord(failures=9, deaths=9)
    again = died(record, good=good, lived_s=lived_s, at_work=False)

    assert (again.failures, again.deaths, again.pause_s) == (1, 0, 0.0)
    assert died(record, good=0, lived_s=29.9, at_work=False).failures == 10
    assert failed(record, good=1).failures == 1


def test_a_worker_that_dies_without_ever_having_had_a_request_is_replaced_ever_later() -> None:
    record, paused = FailureRecord(), []
    for _ in range(10):
        record = died(record, at_work=False)
        paused.append(record.pause_s)

    assert paused == pytest.approx([0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0])
    assert record.is_failing
    assert record.log == ("line",)


def test_a_device_that_is_lost_again_and_again_is_tried_ever_later() -> None:
    record, paused = FailureRecord(), []
    for _ in range(9):
        record = recovery.device_lost(record, "gone", 100.0, 0, 1.0)
        paused.append(record.retry_at_s - 100.0)

    assert paused == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    assert recovery.device_lost(record, "gone", 100.0, 0, 30.0).retry_at_s == 105.0
    assert not record.usable(699.0)
    assert record.usable(700.0)


@given(st.integers(0, 10_000))
def test_pauses_never_shrink_and_are_bounded(failures: int) -> None:
    assert pauses.restart_pause_s(failures) <= pauses.restart_pause_s(failures + 1) <= pauses.LONGEST_PAUSE_S
    later = pauses.switch_pause_s(failures + 1)
    assert pauses.switch_pause_s(failures) <= later <= pauses.LONGEST_SWITCH_PAUSE_S
