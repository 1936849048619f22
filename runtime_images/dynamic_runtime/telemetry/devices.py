"""The NVIDIA GPUs of this machine, through NVML; the only module that imports pynvml.

A driver can hang, so a thread of its own asks NVML, and readers see the last answer and its age. A GPU counts as failed
when the driver reports a failure, when there is none, when the driver is silent, and for a moment after memory errors
that it could not correct: results of what runs there then are unreliable, while a later start may be fine.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pynvml

from runtime_images.dynamic_runtime.clock import Clock
from runtime_images.events.traffic import GpuUse
from runtime_images.policy.model import Accelerator, Backend

POLL_S = 1.0
LIST_TIMEOUT_S = 10.0
STALE_S = 10.0
FIRST_ANSWER_S = 5.0
_UNCORRECTED = (pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, pynvml.NVML_VOLATILE_ECC)
"""Errors since the driver was loaded."""


@dataclass(frozen=True, slots=True)
class GpuState:
    """One answer of the driver: `problem` is empty while all is well."""

    use: GpuUse | None
    problem: str
    asked_s: float


def nvidia_gpus(timeout_s: float = LIST_TIMEOUT_S) -> tuple[str, ...]:
    """Return the names of the NVIDIA GPUs that this process may use; empty if there is none, or no answer in time."""
    answers: list[tuple[str, ...]] = []
    asking = threading.Thread(target=lambda: answers.append(_names()), name="nvml", daemon=True)
    asking.start()
    asking.join(timeout_s)
    return answers[0] if answers else ()


def _names() -> tuple[str, ...]:
    with contextlib.suppress(pynvml.NVMLError), _driver() as count:
        return tuple([_text(pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(n))) for n in range(count)])
    return ()


@contextlib.contextmanager
def _driver() -> Iterator[int]:
    """Yield the number of GPUs; each caller asks the driver afresh, so that a device that comes back is seen."""
    pynvml.nvmlInit()
    try:
        yield pynvml.nvmlDeviceGetCount()
    finally:
        pynvml.nvmlShutdown()


class Devices:
    """What the backends need to run: nothing for the CPU, for the GPU what the accelerator is.

    If that is NVIDIA's, the first visible GPU is watched.
    """

    def __init__(self, accelerator: Accelerator, clock: Clock) -> None:
        self._accelerator = accelerator
        self._clock = clock
        self._state = GpuState(None, "the driver has not answered yet", clock.monotonic())
        self._memory_errors: int | None = None
        self._answered = threading.Event()
        self._stopping = threading.Event()
        if accelerator is Accelerator.NVIDIA:
            threading.Thread(target=self._watch, name="nvml", daemon=True).start()

    async def first_answer(self) -> None:
        """Wait until it is known whether there is a GPU, but not for long."""
        if self._accelerator is Accelerator.NVIDIA:
            await asyncio.to_thread(self._answered.wait, FIRST_ANSWER_S)

    def problem(self, backend: Backend) -> str:
        """Return what keeps a backend's device from being used; empty if nothing does."""
        if backend is Backend.CPU or self._accelerator is Accelerator.EMULATED:
            return ""
        if self._accelerator is Accelerator.NONE:
            return "no accelerator is configured"
        return self._last_answer().problem

    def gpu_use(self) -> GpuUse | None:
        """Return what the GPU is doing, where there is a real one."""
        return self._last_answer().use

    def stop(self) -> None:
        """End the watch; a hanging driver is not waited for."""
        self._stopping.set()

    def _last_answer(self) -> GpuState:
        """Return the last answer; a driver that has been silent for long is itself the problem."""
        age_s = self._clock.monotonic() - self._state.asked_s
        if age_s > STALE_S:
            return GpuState(None, f"the driver has not answered for {age_s:.0f} s", self._state.asked_s)
        return self._state

    def _watch(self) -> None:
        while True:
            self._state = self._with_new_errors(*_read(self._clock))
            self._answered.set()
            if self._stopping.wait(POLL_S):
                return

    def _with_new_errors(self, state: GpuState, memory_errors: int | None) -> GpuState:
        before, self._memory_errors = self._memory_errors, memory_errors
        new = (memory_errors or 0) - (memory_errors or 0 if before is None else before)
        if new > 0 and not state.problem:
            return replace(state, problem=f"its memory has had {new} errors that ECC could not correct")
        return state


def _read(clock: Clock) -> tuple[GpuState, int | None]:
    """Return the state, and how many memory errors could not be corrected so far, None where that is unknown."""
    try:
        with _driver() as count:
            if not count:
                return GpuState(None, "no GPU is visible", clock.monotonic()), None
            handle = pynvml.nvmlDeviceGetHandleByIndex(0)
            errors = _optional(lambda: pynvml.nvmlDeviceGetTotalEccErrors(handle, *_UNCORRECTED))
            return GpuState(_use(handle), "", clock.monotonic()), None if errors is None else int(errors)
    except pynvml.NVMLError as error:
        return GpuState(None, f"NVML says: {error}", clock.monotonic()), None


def _use(handle: object) -> GpuUse:
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return GpuUse(
        name=_text(pynvml.nvmlDeviceGetName(handle)),
        utilization=_optional(lambda: pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100),
        memory_used_mb=memory.used / 2**20,
        memory_total_mb=memory.total / 2**20,
        power_w=_optional(lambda: pynvml.nvmlDeviceGetPowerUsage(handle) / 1000),
    )


def _optional(ask: Callable[[], float]) -> float | None:
    """Return a reading; None where this GPU, driver or MIG slice does not give it."""
    try:
        return ask()
    except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_FunctionNotFound, pynvml.NVMLError_NoPermission):
        return None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
