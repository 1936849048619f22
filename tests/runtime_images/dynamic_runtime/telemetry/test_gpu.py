"""The GPU that is there, that is not, that vanishes and that hangs: the real nvidia-ml-py on a fake NVML library."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.runtime_images.dynamic_runtime.workers.test_process_faults import readiness
from tests.support.fake_gpu.kit import LIBRARY, build_library
from tests.support.serving import Event, Serving, free_port, load, serving, write_function

HANDLER = """
    import os

    def handler(payload):
        return {**payload, "cuda": os.environ.get("CUDA_VISIBLE_DEVICES"), "backend": os.environ["GAIA_BACKEND"]}
"""
ONE_GPU = "count=1\ngpu0.name=Fake L4\ngpu0.mem_total=23034\n"
NO_GPU = "count=0\n"

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: apt-get install gcc libc6-dev")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("nvml")
    build_library(directory / LIBRARY)
    return directory


@contextmanager
def serving_with_gpu(
    tmp_path: Path, library: Path, state: str, wait: bool = True, source: str = HANDLER, **environment: str
) -> Iterator[Serving]:
    (tmp_path / "state").write_text(state)
    fake = {"LD_LIBRARY_PATH": str(library), "FAKE_NVML_STATE": str(tmp_path / "state"), "GAIA_ACCELERATOR": "nvidia"}
    function = write_function(tmp_path / "function", source)
    with serving(function, wait=wait, **{**fake, **environment}) as running:
        yield running


def set_state(tmp_path: Path, state: str) -> None:
    """Replace the state at once: the library reads it at every call."""
    (tmp_path / "next").write_text(state)
    (tmp_path / "next").replace(tmp_path / "state")


def test_gpu_preferred_starts_on_the_gpu_and_shows_its_use(tmp_path: Path, library: Path) -> None:
    with serving_with_gpu(tmp_path, library, ONE_GPU, GAIA_MODE="gpu_preferred") as running:
        answer = running.post({})
        window = running.event("window", lambda event: event["gpu"] is not None)

    assert answer.headers["x-gaia-backend"] == "gpu"
    assert answer.json()["cuda"] is None
    assert window["gpu"]["name"] == "Fake L4"


def test_gpu_preferred_without_a_gpu_falls_back_and_says_so(tmp_path: Path, library: Path) -> None:
    with serving_with_gpu(tmp_path, library, NO_GPU, GAIA_MODE="gpu_preferred") as running:
        answer = running.post({})
        fallback = running.event("fallback")
        metrics = running.admin("GET", "/metrics").body.decode()
        refused = running.switch("gpu")

    assert answer.headers["x-gaia-backend"] == "cpu"
    assert answer.headers["x-gaia-fallback"] == "true"
    assert (fallback["wanted"], fallback["got"]) == ("gpu", "cpu")
    assert "gaia_fallback_total 1.0" in metrics
    assert refused.status == 400
    assert "no GPU" in refused.json()["error"]


def test_gpu_mode_without_a_gpu_fails_readiness_until_one_appears(tmp_path: Path, library: Path) -> None:
    port = free_port()
    with serving_with_gpu(tmp_path, library, NO_GPU, wait=False, GAIA_MODE="gpu", PORT=str(port)) as running:
        failed = running.event("setup_failed")
        unavailable = running.state()["unavailable"]
        status, answered = readiness(port)
        set_state(tmp_path, ONE_GPU)
        running.event("ready")
        answer = running.post({})

    assert failed["kind"] == "no_gpu"
    assert "mode is gpu, but there is no GPU" in unavailable
    assert (status, answered["status"]) == (503, "SETUP_FAILED")
    assert str(answered["error"]).endswith("there is no GPU: no GPU is visible")
    assert answer.headers["x-gaia-backend"] == "gpu"


def test_a_gpu_that_is_lost_costs_no_request(tmp_path: Path, library: Path) -> None:
    async def lose_it_under_load(running: Serving) -> list[str]:
        loading = asyncio.ensure_future(load(running.port, 8, 3000, think_s=0.004))
        await asyncio.sleep(0.5)
        set_state(tmp_path, ONE_GPU + "gpu0.error=15\n")
        return (await loading).failures

    preferred = "gpu_preferred"
    with serving_with_gpu(tmp_path, library, ONE_GPU, GAIA_MODE=preferred, GAIA_IDEMPOTENT="1") as running:
        failures = asyncio.run(lose_it_under_load(running))
        lost = running.event("gpu_lost")
        moved = running.event("switch", lambda event: event["phase"] == "moved")
        after = running.post({})

    assert failures == []
    assert "lost" in lost["reason"].lower()
    assert moved["kind"] == "demote"
    assert after.headers["x-gaia-backend"] == "cpu"
    assert after.headers["x-gaia-fallback"] == "true"


def test_a_pod_of_the_mode_gpu_that_loses_its_gpu_says_so_until_it_is_back(tmp_path: Path, library: Path) -> None:
    port, scraped = free_port(), str(free_port())

    def available() -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{scraped}/metrics", timeout=60) as answer:
            lines: list[bytes] = answer.readlines()
        return next(line for line in lines if line.startswith(b"gaia_gpu_available"))

    fixed = serving_with_gpu(tmp_path, library, ONE_GPU, GAIA_MODE="gpu", PORT=str(port), GAIA_METRICS_PORT=scraped)
    with fixed as running:
        before = available(), readiness(port)[0]
        set_state(tmp_path, ONE_GPU + "gpu0.error=15\n")
        running.event("gpu_lost")
        lost = wait_while(lambda: readiness(port)[0] == 200), available()
        why = readiness(port)[1]
        set_state(tmp_path, ONE_GPU)
        back = wait_while(lambda: readiness(port)[0] == 503), available()
        answer = running.post({})

    assert before == (b'gaia_gpu_available{accelerator="nvidia"} 1.0\n', 200)
    assert lost == (True, b'gaia_gpu_available{accelerator="nvidia"} 0.0\n')
    assert "GPU is lost" in str(why)
    assert back == (True, b'gaia_gpu_available{accelerator="nvidia"} 1.0\n')
    assert answer.headers["x-gaia-backend"] == "gpu"


def wait_while(holds: Callable[[], bool]) -> bool:
    """Return whether it has ended within a minute."""
    deadline = time.monotonic() + 60
    while holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not holds()


FAILURES = {
    "lost": (ONE_GPU + "gpu0.error=15\n", "GPU is lost"),
    "out of memory": (ONE_GPU + "gpu0.error=20\n", "Insufficient Memory"),
    "memory errors": (ONE_GPU + "gpu0.ecc=5\n", "2 errors that ECC could not correct"),
    "missing": (NO_GPU, "no GPU is visible"),
    "no driver": ("init=9\n" + ONE_GPU, "Driver Not Loaded"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_whatever_fails_in_a_gpu_moves_the_function_to_the_cpu_at_once(
    tmp_path: Path, library: Path, failure: str
) -> None:
    state, reason = FAILURES[failure]
    gpu = ONE_GPU + "gpu0.ecc=3\n"
    with serving_with_gpu(tmp_path, library, gpu, GAIA_MODE="gpu_preferred", GAIA_PINNED="1") as running:
        running.event("window", lambda event: event["gpu"] is not None)
        first = running.post({})
        set_state(tmp_path, state)
        lost = running.event("gpu_lost")
        moved = running.event("switch", lambda event: event["phase"] == "moved")
        after = running.post({})
        fallback = running.event("fallback")
        metrics = running.admin("GET", "/metrics").body.decode()

    assert first.headers["x-gaia-backend"] == "gpu"
    assert reason.lower() in lost["reason"].lower()
    assert moved["t"] - lost["t"] < 5
    assert (after.status, after.headers["x-gaia-backend"], after.headers["x-gaia-fallback"]) == (200, "cpu", "true")
    assert (fallback["wanted"], fallback["got"]) == ("gpu", "cpu")
    assert "gaia_fallback_total 1.0" in metrics


def test_errors_that_were_there_before_are_no_failure(tmp_path: Path, library: Path) -> None:
    gpu = ONE_GPU + "gpu0.ecc=3\n"
    with serving_with_gpu(tmp_path, library, gpu, GAIA_MODE="gpu_preferred", GAIA_PINNED="1") as running:
        running.event("window", lambda event: event["gpu"] is not None)
        answer = running.post({})

    assert answer.headers["x-gaia-backend"] == "gpu"
    assert not running.named("gpu_lost")


SLOW_ON_CPU = """
    import os, time

    def handler(payload):
        until = time.process_time() + (0.04 if os.environ["GAIA_BACKEND"] == "cpu" else 0.001)
        while time.process_time() < until:
            pass
        return payload
"""


def test_a_gpu_that_comes_back_is_used_again_after_pauses_that_grow(tmp_path: Path, library: Path) -> None:
    """The whole loop: lost under load, back, promoted by the policy, lost again, and left alone for longer."""
    pauses: list[float] = []

    async def lose_it_twice(running: Serving) -> None:
        loading = asyncio.ensure_future(load(running.port, 2, 100_000, think_s=0.02))
        for count in (1, 2):
            set_state(tmp_path, ONE_GPU + "gpu0.error=15\n")
            lost = await asyncio.to_thread(wait_for, running, "gpu_lost", count)
            set_state(tmp_path, ONE_GPU)
            moved = await asyncio.to_thread(wait_for, running, "switch", count)
            pauses.append(moved["t"] - lost["t"])
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)

    fast = {
        "GAIA_SLO_LATENCY_P95_MS": "20",
        "GAIA_SLO_WINDOW_S": "3",
        "GAIA_IDEMPOTENT": "1",
        "GAIA_MODE": "gpu_preferred",
    }
    with serving_with_gpu(tmp_path, library, ONE_GPU, True, SLOW_ON_CPU, **fast) as running:
        running.event("window", lambda event: event["gpu"] is not None)
        asyncio.run(lose_it_twice(running))

    assert 5 <= pauses[0] < pauses[1]
    assert pauses[1] >= 10


def wait_for(running: Serving, name: str, count: int) -> Event:
    """The event of this name that is the `count`th, of switches those that have moved traffic to the GPU."""

    def those() -> list[Event]:
        return [e for e in running.named(name) if name != "switch" or (e["phase"], e["to"]) == ("moved", "gpu")]

    deadline = time.monotonic() + 60
    while len(those()) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return those()[count - 1]


def test_a_driver_that_hangs_stalls_neither_serving_nor_the_end_and_counts_as_lost(
    tmp_path: Path, library: Path
) -> None:
    with serving_with_gpu(tmp_path, library, ONE_GPU, GAIA_MODE="gpu_preferred", GAIA_PINNED="1") as running:
        running.event("window", lambda event: event["gpu"] is not None)
        set_state(tmp_path, ONE_GPU + "gpu0.delay_ms=600000\n")
        result = asyncio.run(load(running.port, 4, 2000, think_s=0.002))
        lost = running.event("gpu_lost")
        after = running.post({})
        code = running.stop()

    assert result.failures == []
    assert result.longest_s < 10.0  # a request that waited for the driver would wait for ten minutes
    assert "the driver has not answered" in lost["reason"]
    assert after.headers["x-gaia-backend"] == "cpu"
    assert code == 0


def test_a_driver_that_hangs_from_the_start_is_a_gpu_that_is_not_there(tmp_path: Path, library: Path) -> None:
    hanging = ONE_GPU + "gpu0.delay_ms=600000\n"
    with serving_with_gpu(tmp_path, library, hanging, GAIA_MODE="gpu_preferred") as running:
        answer = running.post({})
        fallback = running.event("fallback")

    assert answer.headers["x-gaia-backend"] == "cpu"
    assert "the driver has not answered yet" in fallback["reason"]


def test_the_list_of_gpus_does_not_wait_for_a_driver_that_hangs(tmp_path: Path, library: Path) -> None:
    (tmp_path / "state").write_text(ONE_GPU + "gpu0.delay_ms=600000\n")
    listing = "from runtime_images.dynamic_runtime.telemetry.devices import nvidia_gpus as n; print(n(0.2), n.__name__)"
    environment = {**os.environ, "LD_LIBRARY_PATH": str(library), "FAKE_NVML_STATE": str(tmp_path / "state")}
    told = subprocess.run([sys.executable, "-c", listing], env=environment, capture_output=True, timeout=30, check=True)

    assert told.stdout == b"() nvidia_gpus\n"
