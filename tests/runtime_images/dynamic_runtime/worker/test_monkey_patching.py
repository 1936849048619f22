"""Functions that put gevent or eventlet in the place of threads, locks and sockets are served like others."""

from pathlib import Path

import pytest

from tests.support.libraries import python_with
from tests.support.serving import serving, write_function

LIBRARIES = {
    "gevent": ("from gevent import monkey\n    monkey.patch_all()", "gevent.spawn", "gevent.joinall(jobs)"),
    "eventlet": ("import eventlet\n    eventlet.monkey_patch()", "eventlet.spawn", "[job.wait() for job in jobs]"),
}
FORMS = {
    "blocking": """
    def handler(payload):
        done = []
        jobs = [SPAWN(lambda number=number: (time.sleep(0.02), done.append(number))) for number in range(5)]
        JOIN
        threading.Thread(target=done.append, args=(5,)).start()
        time.sleep(0.01)
        return done
    """,
    "parts": """
    def handler(payload):
        for number in range(6):
            time.sleep(0.01)
            yield number
    """,
    "async": """
    async def handler(payload):
        await asyncio.sleep(0.02)
        return [*range(5), await asyncio.to_thread(lambda: (time.sleep(0.01), 5)[1])]
    """,
}


@pytest.mark.parametrize("concurrency", ["", "3"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_patched_function_is_served_and_ends(tmp_path: Path, library: str, form: str, concurrency: str) -> None:
    patch, spawn, join = LIBRARIES[library]
    body = FORMS[form].replace("SPAWN", spawn).replace("JOIN", join)
    source = f"""
    {patch}
    import asyncio, threading, time, {library}
    {body}
    """
    settings = {"GAIA_FUNCTION_PYTHON": python_with(library), "GAIA_CONCURRENCY": concurrency or "0"}
    with serving(write_function(tmp_path, source), True, GAIA_MODE="cpu", **settings) as running:
        answers = [running.post({}) for _ in range(3)]
        running.stop()

    assert [answer.status for answer in answers] == [200] * 3
    assert {answer.body.replace(b"\n", b", ").strip(b"[], ") for answer in answers} == {b"0, 1, 2, 3, 4, 5"}
    assert running.named("cut_off") == running.named("worker_exit") == []
