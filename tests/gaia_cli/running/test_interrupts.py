import os
import signal

import pytest

from gaia_cli.errors import ExitCode
from gaia_cli.running.interrupts import Interrupted, Interrupts


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, ExitCode.INTERRUPTED),
        (signal.SIGTERM, ExitCode.TERMINATED),
        (signal.SIGHUP, ExitCode.TERMINATED),
    ],
)
def test_a_signal_breaks_a_preparation_off(number: signal.Signals, code: ExitCode) -> None:
    with Interrupts(), pytest.raises(Interrupted) as caught:
        os.kill(os.getpid(), number)

    assert caught.value.exit_code is code


def test_what_follows_does_not_break_the_cleaning_up() -> None:
    cleaned = []

    def prepare() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            cleaned.append("all")

    with Interrupts(), pytest.raises(Interrupted):
        prepare()

    assert cleaned == ["all"]


def test_a_signal_is_only_noted_while_a_function_serves() -> None:
    noted: list[ExitCode] = []
    with Interrupts() as interrupts:
        interrupts.note_with(noted.append)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)

    assert noted == [ExitCode.INTERRUPTED, ExitCode.TERMINATED]


def test_the_handlers_before_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts():
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before
