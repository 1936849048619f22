import pytest

from gaia_cli.running.history import LastError
from runtime_images.events.traffic import LogLine
from runtime_images.policy.model import Backend

TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "main.py", line 9, in boom',
    "    raise Oops",
    "Oops: the reason",
]
GROUP = [
    "  + Exception Group Traceback (most recent call last):",
    '  |   File "main.py", line 3, in <module>',
    "  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)",
    "  +-+---------------- 1 ----------------",
    "    | Traceback (most recent call last):",
    '    |   File "main.py", line 2, in work',
    "    | ValueError: inner",
    "    +------------------------------------",
]


def last(lines: list[str], stream: str = "stderr", request: int | None = None) -> str:
    errors = LastError()
    for line in lines:
        errors.take(LogLine(Backend.CPU, 1, stream, line, request))
    return errors.text


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["INFO:     127.0.0.1 - GET / 200 OK"], ""),
        (TRACEBACK, "Oops: the reason"),
        ([*TRACEBACK, "INFO:     127.0.0.1 - GET / 200 OK"], "Oops: the reason"),
        ([*TRACEBACK, "", "During handling of the above exception, another exception occurred:", "",
          *TRACEBACK[:-1], "KeyError: 'x'"], "KeyError: 'x'"),
        (["2026-11-28 17:00:00,000 ERROR app: no model"], "2026-11-28 17:00:00,000 ERROR app: no model"),
        (["the function returned what JSON cannot hold: a set"], "the function returned what JSON cannot hold: a set"),
        (GROUP, "ValueError: inner"),
        ([*TRACEBACK[:3]], ""),
    ],
)  # fmt: skip
def test_the_last_error_is_what_ends_a_traceback_or_is_logged_as_one(lines: list[str], expected: str) -> None:
    assert last(lines) == expected


def test_a_traceback_that_is_printed_to_standard_output_counts_as_well() -> None:
    assert last(TRACEBACK, "stdout") == "Oops: the reason"


def test_tracebacks_of_requests_at_once_do_not_mix() -> None:
    errors = LastError()
    for first, second in zip(TRACEBACK, [*TRACEBACK[:3], "Oops: another"], strict=True):
        errors.take(LogLine(Backend.CPU, 1, "stderr", first, 1))
        errors.take(LogLine(Backend.CPU, 1, "stderr", second, 2))

    assert errors.text == "Oops: another"


def test_a_line_as_long_as_lines_can_be_takes_no_time() -> None:
    assert last(["ERRO" * 2048, " " * 8192, "|" * 8192]) == ""
