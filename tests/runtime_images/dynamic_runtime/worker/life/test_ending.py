"""Signals end the processes that they are sent to: neither the worker with its children, nor less of them."""

from pathlib import Path

import pytest

from tests.support.serving import serving, write_function

SOURCE = """
    import multiprocessing, os, signal, subprocess, sys, time

    def wait(seconds):
        time.sleep(seconds)

    {form} handler(payload):
        codes = []
        for number in (signal.SIGTERM, signal.SIGINT):
            process = multiprocessing.get_context("fork").Process(target=wait, args=(60,))
            process.start()
            time.sleep(0.2)
            os.kill(process.pid, number)
            process.join(30)
            codes.append(process.exitcode)
            program = subprocess.Popen(["sleep", "60"])
            time.sleep(0.1)
            program.send_signal(number)
            codes.append(program.wait(30))
        codes.append(subprocess.run(["false"], capture_output=True).returncode)
        return codes
"""


@pytest.mark.parametrize("form", ["def", "async def"])
def test_children_of_a_function_obey_signals_and_the_worker_goes_on(tmp_path: Path, form: str) -> None:
    with serving(write_function(tmp_path, SOURCE.format(form=form)), GAIA_MODE="cpu") as running:
        first = running.post({}).json()
        second = running.post({}).json()
        exits = running.named("worker_exit")
        code = running.stop()

    assert first == second == [-15, -15, 1, -2, 1]  # a KeyboardInterrupt ends a process of Python with 1
    assert (exits, code) == ([], 0)
