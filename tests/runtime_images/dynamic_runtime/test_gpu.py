"""The GPU that is there, that is not, that vanishes and that hangs: the real nvidia-ml-py on a fake NVML library."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.fake_gpu.kit import LIBRARY, build_library
from tests.support.serving import Serving, load, serving, write_function

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
    tmp_path: Path, library: Path, state: str, wait: bool = True, **environment: str
) -> Iterator[Serving]:
    (tmp_path / "state").write_text(state)
    fake = {"LD_LIBRARY_PATH": str(library), "FAKE_NVML_STATE": str(tmp_path / "state"), "GAIA_ACCELERATOR": "nvidia"}
    function = write_function(tmp_path / "function", HANDLER)
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
    with serving_with_gpu(tmp_path, library, NO_GPU, wait=False, GAIA_MODE="gpu", PORT="0") as running:
        failed = running.event("setup_failed")
        unavailable = running.state()["unavailable"]
        set_state(tmp_path, ONE_GPU)
        running.event("ready")
        answer = running.post({})

    assert failed["kind"] == "no_gpu"
    assert "mode is gpu, but there is no GPU" in unavailable
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


def test_a_driver_that_hangs_does_not_stall_serving(tmp_path: Path, library: Path) -> None:
    with serving_with_gpu(tmp_path, library, ONE_GPU) as running:
        set_state(tmp_path, ONE_GPU + "gpu0.delay_ms=60000\n")
        result = asyncio.run(load(running.port, 4, 2000, think_s=0.002))

    assert result.failures == []
    assert result.longest_s < 2.0
