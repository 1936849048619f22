"""The first process of a plane: lays its network, starts its programs, takes commands, ends with its owner.

It is process 1 of a namespace: with it, however it dies, die all its programs and their network. A program that ends
by itself is started again, as a cluster does with its own; one that a command has stopped stays down until another
command. Commands come as one line of JSON on a Unix socket and get one line back.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from pathlib import Path

import httpx2

from tests.support.control_plane import commands, installation, network, pki
from tests.support.control_plane.commands import Program
from tests.support.control_plane.layout import ADMIN_TOKEN, Layout
from tests.support.control_plane.rest import Rest, RestError

READY, FAILED = "ready", "failed"
"""The files that say how the start went."""

_RESTART_S = 0.3


class Supervisor:
    """The programs of one plane."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._programs: dict[str, Program] = {}
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stopped: set[str] = set()
        self._keepers: dict[str, asyncio.Task[None]] = {}

    async def bring_up(self) -> None:
        """Start everything, in order."""
        for program in commands.of_kubernetes(self._layout):
            self._keep(program)
            if program.name == commands.API_SERVER:
                await self._await_api_server()
        await installation.install(self._layout)
        for program in (*commands.of_stand_ins(self._layout), *commands.of_knative()):
            self._keep(program)
        await installation.wait_for_webhook(self._layout)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Do one command."""
        asked = json.loads(await reader.readline())
        try:
            said = await self._do(asked["do"], asked.get("program", ""), asked.get("signal", signal.SIGKILL))
        except KeyError:
            said = f"there is no program {asked.get('program')}: {', '.join(self._programs)}"
        writer.write(json.dumps(said).encode() + b"\n")
        await writer.drain()
        writer.close()

    async def _do(self, command: str, name: str, number: int) -> str:
        keeper = self._keepers[name]
        if command == "stop":
            self._stopped.add(name)
            self._send(name, number)
            await asyncio.wait([keeper])
        elif command == "signal":
            self._send(name, number)
        elif command == "start" and name in self._stopped:
            self._stopped.discard(name)
            self._keep(self._programs[name])
        return ""

    def _send(self, name: str, number: int) -> None:
        """Send a signal to a program, unless it has just ended by itself and is about to be started again."""
        with contextlib.suppress(ProcessLookupError, KeyError):
            self._running[name].send_signal(number)

    def _keep(self, program: Program) -> None:
        self._programs[program.name] = program
        self._keepers[program.name] = asyncio.create_task(self._run(program))

    async def _run(self, program: Program) -> None:
        environment = {**os.environ, **program.environment}
        while program.name not in self._stopped:
            with (self._layout.directory / "logs" / f"{program.name}.log").open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    *program.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
                )
            self._running[program.name] = process
            await process.wait()
            await asyncio.sleep(_RESTART_S if program.name not in self._stopped else 0)

    async def _await_api_server(self) -> None:
        async with Rest(self._layout.kubeconfig) as rest:
            for _ in range(600):
                try:
                    await rest.call("GET", "/readyz")
                except (httpx2.TransportError, RestError):
                    await asyncio.sleep(0.05)
                else:
                    return
        raise TimeoutError("the API server did not get ready: see its log")


async def _live(layout: Layout, owner: int | None) -> None:
    supervisor = Supervisor(layout)
    ended = asyncio.Event()
    if owner is not None:
        asyncio.get_running_loop().add_reader(owner, ended.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    starting = asyncio.create_task(supervisor.bring_up())
    ending = asyncio.create_task(ended.wait())
    await asyncio.wait([starting, ending], return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        await starting
        await asyncio.start_unix_server(supervisor.answer, layout.socket)
        (layout.directory / READY).touch()
        await ending


def _prepare(layout: Layout) -> None:
    os.chdir(layout.directory)
    network.arrange(layout)
    pki.make(layout)
    for name in ("logs", "concurrency", "images", "pods"):
        (layout.directory / name).mkdir()
    (layout.directory / "tokens.csv").write_text(f"{ADMIN_TOKEN},admin,admin,system:masters\n")
    shutil.copy(Path(__file__).with_name("stages.yaml"), layout.directory)
    layout.kubeconfig.write_text(json.dumps(_kubeconfig(layout), indent=1))


def _kubeconfig(layout: Layout) -> dict[str, object]:
    authority = str(layout.directory / "pki" / "ca.crt")
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "plane",
        "clusters": [{"name": "plane", "cluster": {"server": layout.server, "certificate-authority": authority}}],
        "users": [{"name": "admin", "user": {"token": ADMIN_TOKEN}}],
        "contexts": [{"name": "plane", "context": {"cluster": "plane", "user": "admin", "namespace": "default"}}],
    }


def main(number: str, owner: str) -> None:
    """Be the first process of the plane `number`; `owner` is a descriptor of the process to end with, or empty."""
    layout = Layout(int(number))
    try:
        _prepare(layout)
        asyncio.run(_live(layout, int(owner) if owner else None))
    except Exception:
        (layout.directory / FAILED).write_text(traceback.format_exc())
        raise
    shutil.rmtree(layout.directory, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
