"""How long starts take, and what the policy is told of it, with real workers and a real zygote in this process."""

import asyncio
from pathlib import Path

from runtime_images.dynamic_runtime.clock import SystemClock
from runtime_images.dynamic_runtime.edge.memory import ASSUMED_BYTES, share_out
from runtime_images.dynamic_runtime.parts import Parts
from runtime_images.dynamic_runtime.settings import Settings
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.telemetry.observer import observe
from runtime_images.dynamic_runtime.workers.launching import WorkerStarter
from runtime_images.policy.decide import PolicySettings, initial_state
from runtime_images.policy.model import CPU, GPU, Accelerator, Backend, ExecutionMode
from tests.runtime_images.dynamic_runtime.workers.test_zygote import with_library

IMPORTS_S = 1.0
SLOW_IMPORT = f"""
    import time

    time.sleep({IMPORTS_S})
"""
THREAD_OF_ITS_OWN = f"""
    import threading, time

    time.sleep({IMPORTS_S})

    threading.Thread(target=threading.Event().wait, daemon=True).start()
"""
UNKNOWN = -1.0
Starts = dict[Backend, float]


async def _told(settings: Settings) -> tuple[Starts, Starts]:
    """What the policy is told of start-up times while the first worker serves, and after a switch to the GPU."""
    clock = SystemClock()
    events = EventLog(clock, None)
    starter = WorkerStarter(settings, clock, events, None)
    parts = Parts(settings, clock, events, starter, lambda _: "", None, share_out(ASSUMED_BYTES))
    state = initial_state(PolicySettings(ExecutionMode.CPU_PREFERRED))

    def told() -> Starts:
        lanes = observe(parts.sources, state, clock.monotonic()).lanes
        return {one: UNKNOWN if lane.start_up_s is None else lane.start_up_s for one, lane in lanes.items()}

    try:
        await parts.supervisor.start_first(CPU)
        first = told()
        assert await parts.supervisor.switch(GPU, "ordered")
        return first, told()
    finally:
        await parts.supervisor.stop(5.0)


def starts(tmp_path: Path, library: str, accelerator: Accelerator) -> tuple[Starts, Starts]:
    python = with_library(tmp_path, library)
    function = tmp_path / "function"
    settings = Settings(function, function_python=python, accelerator=accelerator)
    return asyncio.run(_told(settings))


def test_the_imports_of_the_zygote_are_no_part_of_what_the_next_start_takes(tmp_path: Path) -> None:
    first, after = starts(tmp_path, SLOW_IMPORT, Accelerator.NVIDIA)

    assert 0 < first[CPU] < IMPORTS_S
    assert first[GPU] == UNKNOWN, "a real GPU has more to load, and nobody knows how much"
    assert 0 < after[GPU] < IMPORTS_S


def test_an_emulated_gpu_is_foretold_to_start_as_the_cpu_did(tmp_path: Path) -> None:
    first, _ = starts(tmp_path, SLOW_IMPORT, Accelerator.EMULATED)

    assert first[GPU] == first[CPU]


def test_where_workers_are_spawned_each_start_has_the_imports(tmp_path: Path) -> None:
    first, after = starts(tmp_path, THREAD_OF_ITS_OWN, Accelerator.EMULATED)

    assert first[CPU] >= IMPORTS_S
    assert first[GPU] == first[CPU]
    assert after[GPU] >= IMPORTS_S
