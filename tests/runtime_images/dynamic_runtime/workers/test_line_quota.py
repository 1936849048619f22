"""How many lines of one output reach the log in a second."""

from runtime_images.dynamic_runtime.workers.line_quota import LINES_A_SECOND, LineQuota

FLOOD = [b"%d" % number for number in range(LINES_A_SECOND + 100)]


def test_lines_within_the_quota_pass_as_they_are() -> None:
    quota = LineQuota()

    assert [quota.take([b"a", b"b"], now_s) for now_s in (1.0, 1.5, 2.0)] == [[b"a", b"b"]] * 3
    assert not quota.holds_back
    assert quota.flush() == []


def test_lines_beyond_the_quota_are_counted_and_the_next_second_says_how_many() -> None:
    quota = LineQuota()
    passed = quota.take(FLOOD, 1.0)
    more = quota.take([b"x"], 1.9)
    told, line = quota.take([b"y"], 2.0)

    assert (passed, more, line) == (FLOOD[:LINES_A_SECOND], [], b"y")
    assert told.startswith(b"101 lines were left out here")


def test_the_last_lines_of_an_output_that_has_ended_are_told_however_many_came() -> None:
    quota = LineQuota()
    quota.take(FLOOD, 1.0)
    quota.take([b"Traceback", b"MemoryError"], 1.0)
    told, *last = quota.flush()

    assert told.startswith(b"72 lines were left out here")
    assert last == [*FLOOD[-28:], b"Traceback", b"MemoryError"]
    assert not quota.holds_back, "what was told is not told again"
