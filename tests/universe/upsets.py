"""What befalls the runtime from outside: kills, switches, a GPU that goes, bad starts, SIGTERM; and the healing."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from runtime_images.policy.model import Backend
from tests.universe.functions import whole
from tests.universe.processes import Process
from tests.universe.schedule import Upset

if TYPE_CHECKING:
    from tests.universe.world import World

GPU_LOST = "the GPU is gone"
LIES = {"noise": b"\xff" * 64, "answer-to-nobody": whole(7), "half": whole(5000)[:20]}


def _on(act: Callable[[Process, Upset], object]) -> Callable[["World", Upset], None]:
    """Have it happen to a worker that lives, if there is one."""

    def happen(world: "World", upset: Upset) -> None:
        if alive := world.starter.alive():
            act(alive[upset.which % len(alive)], upset)

    return happen


def _switch(world: "World", upset: Upset) -> None:
    async def switch() -> None:
        if world.stopped_s is None:
            try:
                await world.parts.supervisor.switch(Backend(upset.what), "ordered")
            except RuntimeError as error:  # what the operator is answered
                world.note("operator", str(error))

    if not world.runtime.settings.mode.is_fixed:
        world.runtime.do(switch())


def _set_gpu(world: "World", upset: Upset) -> None:
    world.runtime.problem[Backend.GPU] = GPU_LOST if upset.what == "gone" else ""


def _set_starts(world: "World", upset: Upset) -> None:
    world.starter.kind = upset.what


def _pin(world: "World", upset: Upset) -> None:
    world.parts.decisions.pinned = upset.what == "pinned"


def _stop(world: "World", _: Upset) -> None:
    world.stopping = world.runtime.do(world.stop())


def _be_stubborn(process: Process, _: Upset) -> None:
    process.stubborn = True


def _fall_silent(process: Process, _: Upset) -> None:
    process.silent = True


HAPPENINGS: dict[str, Callable[["World", Upset], None]] = {
    "kill": _on(lambda process, _: process.die(-9)),
    "exit": _on(lambda process, upset: process.die(upset.which % 4)),
    "cut": _on(lambda process, _: process.theirs.abort()),
    "lie": _on(lambda process, upset: process.send_raw(LIES[upset.what])),
    "freeze": _on(lambda process, upset: process.freeze(upset.seconds)),
    "stubborn": _on(_be_stubborn),
    "silent": _on(_fall_silent),
    "switch": _switch,
    "gpu": _set_gpu,
    "starts": _set_starts,
    "pin": _pin,
    "stop": _stop,
}


async def come_to_pass(world: "World") -> None:
    """Have everything happen at its time."""
    begun_s = world.loop.time()
    for upset in sorted(world.schedule.upsets, key=lambda one: one.at_s):
        await asyncio.sleep(max(0.0, begun_s + upset.at_s - world.loop.time()))
        world.note("upset", f"{upset.does} {upset.which} {upset.what}".rstrip())
        HAPPENINGS[upset.does](world, upset)
    await asyncio.sleep(max(0.0, begun_s + world.schedule.length_s - world.loop.time()))


def heal(world: "World") -> None:
    """Let all be well from here on: what starts is healthy, the GPU is there, and nobody has pinned anything."""
    world.note("upset", "all is well from here on")
    world.starter.heal()
    world.runtime.problem[Backend.GPU] = ""
    world.parts.decisions.pinned = False
