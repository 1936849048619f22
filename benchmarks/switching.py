"""Switching, crashing and lasting: what a switch takes, what it costs, and that nothing is lost or grows.

    python -m benchmarks.switching [--part promotion] [--requests 200000] [--switches 50] [--kills 30] [--soak 200000]

Every part runs the real runtime on a function of its own and a client that never retries: each answer must be a 200
with the number that was sent. Times depend on the machine and its neighbours, so a run without switches stands beside
each run with them. For the promotion, install torch: pip install torch.
"""

import argparse
import asyncio
import functools
import importlib.util
import itertools
import os
import re
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from benchmarks.counting_client import CONNECTIONS, Seen, load, load_while
from runtime_images.dynamic_runtime.telemetry.cpu_share import process_cpu_s
from tests.support.serving import Serving, serving, write_function

PROMOTIONS = 30
WORKERS = 8
SLOW_S = 120

ECHO = "def handler(payload):\n    return payload\n"
TORCH = """
import time

import torch

def handler(payload):
    time.sleep(payload.get("sleep", 0))
    return payload
"""
WITHOUT_TORCH = TORCH.replace("import torch\n", "")
COUNTED = """
import os

FILE = os.open(os.environ["RUNS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def handler(payload):
    os.write(FILE, b"%d\\n" % payload["id"])
    return payload
"""


@contextmanager
def runtime(source: str, **environment: str) -> Iterator[Serving]:
    """The runtime on a function with this source, its policy at rest."""
    with tempfile.TemporaryDirectory() as directory:
        function = write_function(Path(directory), source)
        with serving(function, wait=True, **environment) as running:
            running.admin("POST", "/pin")
            yield running


# the parts


def promotion(_options: argparse.Namespace) -> None:
    """From the command to the first answer of the new backend, and from ready to moved; the memory of workers."""
    with_torch = importlib.util.find_spec("torch") is not None
    print(f"promotion, {'torch imported' if with_torch else 'without torch: it is not installed'}, 1 connection")
    with runtime(TORCH if with_torch else WITHOUT_TORCH) as running:
        spawned_s = running.event("ready")["start_s"]
        print(f"  first start, imports included     {1000 * spawned_s:8.1f} ms")
        ways = {"by the standby": _await_standby, "forked": _end_standby}
        took: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for number in range(2 * PROMOTIONS):
            way = list(ways)[number // 2 % 2]  # in turns, each to either backend: neighbours disturb them alike
            ways[way](running)
            took[way].append(uvloop.run(_promote(running, "cpu" if number % 2 else "gpu")))
        for way, times in took.items():
            _quantiles(f"command to answer, {way}", [1000 * seconds for seconds, _ in times], "30 ms p95")
            _quantiles("  of that, processor time", [1000 * seconds for _, seconds in times])
        moved = [event["phases"] for event in running.named("switch") if event["phase"] == "moved"]
        _quantiles("ready to moved", [1000 * (phases["moved"] - phases["ready"]) for phases in moved], "2 ms")
        _respawn(running)
        _memory(running)


def _await_standby(running: Serving) -> int:
    """The standby, once there is one."""
    deadline_s = time.monotonic() + 10
    while (standby := running.standby()) is None:
        if time.monotonic() > deadline_s:
            raise SystemExit("the zygote has forked no standby")
        time.sleep(0.02)
    return standby


def _end_standby(running: Serving) -> None:
    """Kill the standby; there is no other until the next order."""
    os.kill(_await_standby(running), signal.SIGKILL)
    while running.standby() is not None:
        time.sleep(0.002)


def _respawn(running: Serving) -> None:
    """From the death of the only worker to the next answer, for requests that come before it is missed."""
    took = []
    for _ in range(PROMOTIONS):
        _await_standby(running)
        running.post({"id": 0})  # a worker that was at work is replaced without a pause
        worker = running.worker_pid(running.state()["backend"])
        begun_s = time.monotonic()
        os.kill(worker, signal.SIGKILL)
        while running.request("GET").status != 200:
            pass
        took.append(1000 * (time.monotonic() - begun_s))
    _quantiles("death to next answer, by the standby", took, "50 ms")


async def _promote(running: Serving, backend: str) -> tuple[float, float]:
    """Switch while one client asks on; seconds until the new backend has answered, and CPU seconds until then.

    CPU time is that of front, zygote and new worker, the client's requests included; neighbours cannot lengthen it.
    """
    seen, stop = Seen(), False
    numbers = itertools.takewhile(lambda _: not stop, itertools.count())
    done = asyncio.ensure_future(load(running.port, numbers, seen, connections=1))
    await asyncio.sleep(0.05)
    parts = [running.process.pid, running.state()["zygote"]]
    seen.first_by.clear()
    used_s, ordered_s = sum(map(process_cpu_s, parts)), time.monotonic()
    await asyncio.to_thread(running.switch, backend)
    while backend.encode() not in seen.first_by:  # noqa: ASYNC110 -- likewise
        await asyncio.sleep(0.001)
    parts.append(running.worker_pid(backend))
    used_s = sum(map(process_cpu_s, parts)) - used_s
    stop = True
    await done
    assert not seen.failed, seen
    return seen.first_by[backend.encode()] - ordered_s, used_s


def _memory(running: Serving) -> None:
    """Private memory and PSS of a worker while `WORKERS` workers live: the older ones drain a slow request each."""
    for number in range(WORKERS - 1):
        _send_slow(running.port)
        running.switch("gpu" if number % 2 == 0 else "cpu")
    workers = [worker["pid"] for worker in running.state()["workers"]]
    own, pss = zip(*(_kilobytes(pid) for pid in workers), strict=True)
    zygote_own, zygote_pss = _kilobytes(running.state()["zygote"])
    worker_memory = f"own {max(own) / 1024:.1f} MB, PSS {max(pss) / 1024:.1f} MB  (target PSS 40 MB)"
    print(f"  memory of a worker, {len(workers)} of one zygote  {worker_memory}")
    own_mb, pss_mb = (kilobytes / 1024 for kilobytes in _kilobytes(_await_standby(running)))
    print(f"  memory of the standby             own {own_mb:.1f} MB, PSS {pss_mb:.1f} MB")
    print(f"  memory of the zygote              own {zygote_own / 1024:.1f} MB, PSS {zygote_pss / 1024:.1f} MB")
    for pid in workers:
        os.kill(pid, signal.SIGKILL)


def _send_slow(port: int) -> None:
    connection = socket.create_connection(("127.0.0.1", port))
    body = b'{"sleep": %d}' % SLOW_S
    connection.sendall(b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    time.sleep(0.1)
    connection.detach()  # stays open until this process ends: a client that waits


def _kilobytes(pid: int) -> tuple[int, int]:
    """Memory that a process alone has, and its proportional share (proc(5), smaps_rollup)."""
    values = dict(re.findall(r"^(\w+): +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE))
    return int(values["Private_Clean"]) + int(values["Private_Dirty"]), int(values["Pss"])


def switches(options: argparse.Namespace) -> None:
    """Whole lives of workers under load: fork, swap, drain, exit; beside the same load without.

    The longest request of a load is its neighbours' affair as much as a switch's, so loads are cut into turns, every
    other one with a switch at its beginning, and the longest requests of the turns are compared.
    """
    for think_s in (0.0, 0.005):
        print(f"switches, {CONNECTIONS} connections, think time {1000 * think_s:.0f} ms")
        turns = 2 * options.switches
        with runtime(ECHO) as running:
            quiet = uvloop.run(load_while(running.port, options.requests, think_s, lambda: None, turns))
            seen = uvloop.run(load_while(running.port, options.requests, think_s, _switching(running), turns))
            print(
                f"  without switches     {quiet.describe()}\n  {options.switches} switches          {seen.describe()}"
            )
            _quantiles("longest of a turn, without", [1000 * seconds for seconds in quiet.turns_s[1:]])
            _quantiles("  with a switch", [1000 * seconds for seconds in seen.turns_s[1::2]], "5 ms more")
            _quantiles("  between switches", [1000 * seconds for seconds in seen.turns_s[2::2]])
            ends = [event["exit_code"] for event in running.named("worker") if event["state"] == "exited"]
            failed = len([code for code in ends if code])
            print(f"  {len(ends)} workers lived and left, {failed} of them with an error")
        _tell_broken(seen)


def _switching(running: Serving) -> Callable[[], None]:
    """A step that switches to the other backend, every other time it is taken."""
    backends = itertools.cycle(("gpu", None, "cpu", None))

    def switch() -> None:
        backend = next(backends)
        if backend is not None and (answer := running.switch(backend)).status != 200:
            raise SystemExit(f"the switch was answered with {answer.status}: {answer.body!r}")

    return switch


def kills(options: argparse.Namespace) -> None:
    """SIGKILL of the active worker under load: nothing failed, or nothing run twice."""
    for idempotent in (True, False):
        print(f"{options.kills} kills, {'idempotent' if idempotent else 'not idempotent'}, {CONNECTIONS} connections")
        with tempfile.TemporaryDirectory() as directory:
            runs = Path(directory) / "runs"
            settings = {"GAIA_MODE": "cpu", "GAIA_IDEMPOTENT": str(int(idempotent)), "RUNS": str(runs)}
            with runtime(COUNTED, **settings) as running:
                kill = functools.partial(_kill, running)
                seen = uvloop.run(load_while(running.port, options.requests, 0.0, kill, options.kills))
                retried = running.state()["totals"]["retried"]
                died = len(running.named("worker_exit"))
            numbers = runs.read_text().split()
        twice = len(numbers) - len(set(numbers))
        print(f"  {seen.describe()}")
        print(f"  {died} died, {retried} retried, {twice} run twice, refused with status: {seen.refused or 'none'}")
        _tell_broken(seen)


def _kill(running: Serving) -> None:
    """Kill the worker that is ready, once there is one."""
    for _ in range(2000):
        for worker in running.state()["workers"]:
            if worker["state"] == "ready":
                os.kill(worker["pid"], signal.SIGKILL)
                return
        time.sleep(0.005)
    raise SystemExit(f"no worker has become ready: {running.state()}")


def soak(options: argparse.Namespace) -> None:
    """A long load: memory and descriptors after the first part of it, and at the end."""
    print(f"soak, {options.soak} requests, {CONNECTIONS} connections")
    with runtime(ECHO, GAIA_MODE="cpu") as running:
        pids = {"front": running.process.pid, "zygote": running.state()["zygote"], "worker": running.worker_pid("cpu")}
        first = min(100_000, options.soak // 4)
        warm = uvloop.run(load_while(running.port, first, 0.0, lambda: None, 0))
        before = {name: _size(pid) for name, pid in pids.items()}
        rest = uvloop.run(load_while(running.port, options.soak - first, 0.0, lambda: None, 0))
        after = {name: _size(pid) for name, pid in pids.items()}
        print(f"  first {first}: {warm.describe()}\n  rest: {rest.describe()}")
        for name in pids:
            (rss, files), (rss_then, files_then) = before[name], after[name]
            print(f"  {name:7} RSS {rss / 1024:7.1f} -> {rss_then / 1024:7.1f} MB, descriptors {files} -> {files_then}")
        _tell_broken(rest)


def _size(pid: int) -> tuple[int, int]:
    """Resident memory in kB, and open descriptors, when the connections of a load are closed."""
    time.sleep(0.3)
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]), len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _quantiles(what: str, values: list[float], target: str = "") -> None:
    p50, p95 = statistics.median(values), statistics.quantiles(values, n=20)[-1]
    print(
        f"  {what:33} {p50:8.1f} ms median, {p95:.1f} p95, {max(values):.1f} max"
        + (f"  (target {target})" if target else "")
    )


def _tell_broken(seen: Seen) -> None:
    for text in seen.broken[:3]:
        print(f"  BROKEN: {text}")


PARTS = {"promotion": promotion, "switches": switches, "kills": kills, "soak": soak}


def main() -> int:
    """Run the parts; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", choices=PARTS, action="append", help="only this one; may be given again")
    parser.add_argument("--requests", type=int, default=200_000, help="of each load with switches or kills")
    parser.add_argument("--switches", type=int, default=50)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--soak", type=int, default=200_000, help="requests of the soak; 2000000 for a day")
    options = parser.parse_args()
    os.environ.pop("PYTHONUNBUFFERED", None)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in options.part or PARTS:
        PARTS[name](options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
