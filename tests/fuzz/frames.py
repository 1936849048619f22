"""Frames of a hostile function against a real front with real workers: afterwards it serves on as if nothing had been.

The function writes the case to every socket that it has, in place of its answer's beginning; `OWN` in it becomes the
number of its own request. What that request gets is its own affair. Then a good request is answered before long, and
100 after it; a worker that broke the protocol was replaced; the front has logged no traceback, and neither its
descriptors nor its memory grow.
"""

import base64
import contextlib
import http.client
import json
import struct
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Self

from runtime_images.dynamic_runtime.wire.arenas import ARENA_BYTES, PLACE
from runtime_images.dynamic_runtime.wire.frames import (
    HEADER,
    MAX_CHUNK_BYTES,
    MAX_HEAD_BYTES,
    FrameError,
    FrameParser,
    Kind,
)
from tests.fuzz.chance import damaged, mostly, noise
from tests.fuzz.fuzzer import FuzzerInDirectory
from tests.fuzz.heads import Heads
from tests.support.serving import Serving, serving_quickly, write_function

OWN = b"\xee\xee\xee\xee"
_FUNCTION = f"""
    import base64, contextlib, os, stat
    from runtime_images.dynamic_runtime.wire import log_lines

    def handler(payload):
        if "send" in payload:
            own = log_lines.REQUEST.get().to_bytes(4, "little")
            data = base64.b64decode(payload["send"]).replace({OWN!r}, own)
            for fd in range(3, 128):
                with contextlib.suppress(OSError):
                    if stat.S_ISSOCK(os.fstat(fd).st_mode):
                        os.write(fd, data)
        return payload
"""
_GOOD_AFTER = 100
_SERVES_AGAIN_S = 30.0
_TIMEOUT_S = 20.0
_WARM_CASES = 20
_MORE_DESCRIPTORS = 12  # those of a worker that ends beside those of the next two
_MORE_BYTES = 48 << 20
_BACK = frozenset(int(kind) for kind in Kind if kind >= Kind.READY)
_IDS = (OWN, OWN, OWN, struct.pack("<I", 0xEEEEEEEF), b"\0\0\0\0", b"\1\0\0\0", b"\xff\xff\xff\xff", b"\0\x10\0\0")
_TIMES = (0, 1, 2**63, 2**64 - 1, 10**15, 10**18)
_HEADS = (b"HTTP/1.1 200 OK\r\nx: y\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n", b"", b"\0why", b"\0\xff")
_FACTS: tuple[object, ...] = (
    {"kind": "import", "message": "x", "blocking": True}, {"hooks": 5, "blocking": [], "entry": {}},
    {"well": True, "text": "t"}, {"kind": ["x"], "message": 1}, [], {}, 0, None, "x" * 5000,
    {"line": 3, "message": "\ud800\x1b]0;x\x07"}, {"hooks": ["health"]},
)  # fmt: skip


Start = Callable[[Path], contextlib.AbstractContextManager[Serving]]


def start_quickly(function: Path) -> contextlib.AbstractContextManager[Serving]:
    """Serve a function on a CPU; one that keeps a request for a second is ended."""
    return serving_quickly(function, GAIA_MODE="cpu", GAIA_REQUEST_TIMEOUT_S="1")


class Frames(FuzzerInDirectory):
    """Has a function send frames to its front."""

    name = "frames"
    limit_s = 30.0

    def __init__(self, start: Start = start_quickly) -> None:
        self._start_runtime = start
        self._heads = Heads()
        self._serving = contextlib.ExitStack()
        self._running: Serving | None = None
        self._cases = self._descriptors = self._memory = 0

    def __enter__(self) -> Self:
        super().__enter__()
        write_function(self.directory, _FUNCTION)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop()
        super().__exit__(*exc)

    def make(self, random: Random) -> bytes:
        data = b"".join(self._frame(random) for _ in range(random.choice((1, 1, 1, 2, 5))))
        return damaged(random, data) if random.random() < 0.15 else data

    def _frame(self, random: Random) -> bytes:
        if random.random() < 0.05:
            return noise(random, 200)
        kind = random.choice((*_BACK, Kind.RESPONSE, Kind.RESPONSE, Kind.CHUNK, random.randint(0, 255)))
        usual = (0, 1, 1) if kind in (Kind.RESPONSE, Kind.CHUNK) else (0,)
        flags = mostly(random, usual, (2, 3, 4, 8, 9, 11, 255, random.randint(0, 255)), 0.35)
        head = mostly(random, _HEADS, (self._heads.make(random), b"x" * random.choice((9, 40_000))), 0.2)
        head = head if kind == Kind.RESPONSE or random.random() < 0.2 else b""
        body = _place(random) if flags & 8 else _body(random, kind)
        length = mostly(
            random, (len(head) + len(body),), (0, 1, 2**32 - 1, MAX_CHUNK_BYTES + MAX_HEAD_BYTES, 40, 200_000), 0.06
        )
        head_length = mostly(random, (min(len(head), MAX_HEAD_BYTES),), (0, 1, 0xFFFF), 0.06)
        times = [mostly(random, (0, 10**6), (*_TIMES, random.getrandbits(64)), 0.4) for _ in range(3)]
        header = HEADER.pack(length, 0, kind, flags, head_length, *times)
        return header[:4] + random.choice(_IDS) + header[8:] + head + body

    def check(self, case: bytes) -> None:
        running = self._running or self._start()
        try:
            before = _workers(running)
            _send(running, case)
            _serves_again(running)
            _serves_well(running)
            if _breaks_the_protocol(case):
                assert not before & _workers(running), "a worker that broke the protocol was not replaced"
            assert running.process.poll() is None, "the front has ended"
            assert b"Traceback" not in b"".join(running.stderr), b"".join(running.stderr)[-2000:].decode(
                errors="replace"
            )
            self._measure(running.process.pid)
        except Exception:
            self._stop()  # the next case is given to a fresh one
            raise

    def _start(self) -> Serving:
        started = self._start_runtime(self.directory)
        self._running = running = self._serving.enter_context(started)
        self._cases = self._descriptors = self._memory = 0
        return running

    def _stop(self) -> None:
        self._running = None
        self._serving.close()

    def _measure(self, front: int) -> None:
        """Compare what the front holds with what it held when it was warm."""
        self._cases += 1
        descriptors, memory = len(list(Path(f"/proc/{front}/fd").iterdir())), _own_memory(front)
        if self._cases == _WARM_CASES:
            self._descriptors, self._memory = descriptors, memory
        elif self._cases > _WARM_CASES:
            assert descriptors <= self._descriptors + _MORE_DESCRIPTORS, f"the front has {descriptors} descriptors"
            assert memory <= self._memory + _MORE_BYTES, f"the front holds {memory >> 20} MiB"


def _place(random: Random) -> bytes:
    """Return a place in shared memory, or what is none."""
    offset = random.choice((0, 4096, 1, ARENA_BYTES - 1, ARENA_BYTES, 2**63, 2**64 - 1))
    return mostly(random, (PLACE.pack(offset, random.choice((0, 1, 70_000, 2**64 - 1))),), (noise(random), b""))


def _body(random: Random, kind: int) -> bytes:
    if kind in (Kind.RESPONSE, Kind.CHUNK):
        return random.choice((b"", b"x", b"x" * MAX_CHUNK_BYTES, noise(random)))
    facts = json.dumps(mostly(random, ({}, {"well": True, "text": "t"}), _FACTS, 0.5)).encode()
    return mostly(random, (facts,), (b"[" * random.choice((10, 60_000)), b'{"kind":', noise(random)), 0.2)


def _breaks_the_protocol(case: bytes) -> bool:
    """Return whether it surely does: a frame that is none, or first one of a kind that no worker sends."""
    try:
        parsed = FrameParser(MAX_CHUNK_BYTES + MAX_HEAD_BYTES).feed(case)
    except FrameError:
        return True
    return bool(parsed) and parsed[0][1] not in _BACK and not parsed[0][2]


def _workers(running: Serving) -> set[int]:
    """Return the processes that serve."""
    return {int(worker["pid"]) for worker in running.state()["workers"] if worker["state"] == "ready"}


def _send(running: Serving, case: bytes) -> None:
    """Have the function send it; the answer, or that the connection broke off, is the function's own affair."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=_TIMEOUT_S)
    with contextlib.closing(connection), contextlib.suppress(http.client.HTTPException, ConnectionError):
        connection.request("POST", "/", json.dumps({"send": base64.b64encode(case).decode()}))
        connection.getresponse().read()


def _serves_again(running: Serving) -> None:
    """Wait until a good request is answered well: the worker may keep the wrong half of a frame for a second."""
    until_s, status = time.monotonic() + _SERVES_AGAIN_S, 0
    while time.monotonic() < until_s:
        with contextlib.suppress(http.client.HTTPException, ConnectionError):
            status = running.post({"id": 7}).status
        if status == 200:
            return
        time.sleep(0.02)
    raise AssertionError(f"no good answer in {_SERVES_AGAIN_S:g} s, the last was {status}")


def _serves_well(running: Serving) -> None:
    """Send good requests on one connection; so many also end a row of failures."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=_TIMEOUT_S)
    with contextlib.closing(connection):
        for number in range(_GOOD_AFTER):
            connection.request("POST", "/", b'{"id": %d}' % number)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, f"good request {number} after it: {answer.status} {body[:200]!r}"
            assert json.loads(body) == {"id": number}, f"good request {number} after it got {body[:200]!r}"


def _own_memory(pid: int) -> int:
    """Return the bytes of memory that a process shares with no file: arenas are its workers' to fill."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:"))
