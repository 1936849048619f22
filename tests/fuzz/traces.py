"""Files of traces and nodes for `gaia simulate`, of requests for `gaia run`: taken, or refused with a reason.

What is taken can be used: a short trace is replayed to finite figures, and a request, as the player sends it, is read
as that one request.
"""

import asyncio
import contextlib
import json
from math import isfinite
from random import Random
from typing import Self, cast

from gaia_cli.errors import UsageError
from gaia_cli.running.playing.http_client import Connection, ConnectionBroken
from gaia_cli.running.playing.load import PlannedRequest
from gaia_cli.running.playing.requests_file import read_requests
from gaia_cli.simulator.results.comparison import compare
from gaia_cli.simulator.traces.trace import Trace
from gaia_cli.simulator.traces.trace_files import CLIENT_COLUMN, COLUMNS, CONDITIONS_COLUMN, read_node, read_trace
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.node.table import NODE_COLUMNS
from tests.fuzz.chance import NASTY, damaged, mostly, pumped
from tests.fuzz.fuzzer import FuzzerInDirectory
from tests.support.reference import read_requests as read_with_h11

_PUMPED_BYTES = 100_000
_NUMBERS = ("0", "1", "0.5", "12.5", "3", "20")
_ODD_NUMBERS = (
    "", " ", "-1", "nan", "inf", "1e300", "1e12", "1e13", "31622401", "1_0", "0x1", "٢", "yes", "no", "-0.0",
    "1e-320", '"1"', '"',
)  # fmt: skip
_WORDS = (
    b",", b"\n", b"\r", b'"', b'""', b"1e300", b"-", b"nan", b'{"at_s": 1}\n', b'"body": "', b'"headers": {',
    b"\\ud800", b"null", b"[",
)  # fmt: skip
_JSON: tuple[object, ...] = (
    None, 1, -1, 1e300, True, "", "a", [], {}, "\ud800", {"size": 3}, float("nan"), "\x7f\x80", "é", "/", "/a b",
    10**400,
)  # fmt: skip
_HEADERS = (
    {"X-A": "b"}, {"x": "é"}, {"Host": "x"}, {"a b": "c"}, {"x": "a\r\nb: c"}, {"x": "\x85"},
    {"Transfer-Encoding": "chunked"}, {"x": " a "}, {"Expect": "100-continue"}, {"Upgrade": "h2c"}, {"TE": "x"},
    {"x": ""},
)  # fmt: skip
_SHORT_ROWS = 40
_SHORT_S = 30.0


class Traces(FuzzerInDirectory):
    """Gives damaged files to the readers; the first letter of a case says which."""

    name = "traces"
    limit_s = 10.0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        return super().__enter__()

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        self._loop.close()

    def make(self, random: Random) -> bytes:
        kind = random.choice(b"tnr")
        if kind == ord("r"):
            lines = [_request(random, at) for at in range(random.randint(0, 4))]
            if random.random() < 0.3:
                lines = [_loop(random), *({key: line[key] for key in line if key != "at_s"} for line in lines)]
            data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        else:
            data = _table(random, (*COLUMNS, CLIENT_COLUMN, CONDITIONS_COLUMN) if kind == ord("t") else NODE_COLUMNS)
        if random.random() < 0.4:
            data = damaged(random, data, _WORDS + NASTY)
        if random.random() < 0.05:
            data = pumped(random, data, _PUMPED_BYTES, _WORDS + NASTY)
        return bytes([kind]) + data

    def check(self, case: bytes) -> None:
        path = self.directory / "file"
        path.write_bytes(case[1:])
        with contextlib.suppress(UsageError):
            if case[:1] == b"t":
                _replay(read_trace(path))
            elif case[:1] == b"n":
                read_node(path)
            else:
                _send(read_requests(path).requests, self._loop)


def _table(random: Random, columns: tuple[str, ...]) -> bytes:
    names = list(columns)
    if random.random() < 0.1:
        random.shuffle(names)
    rows = [names]
    for number in range(random.choice((0, 1, 3, 12))):
        ordered = str(number * random.choice((1, 1, 1, 0.1, 5)))
        rows.append(
            [
                mostly(random, (ordered,) if name in ("arrival_s", "from_s") else _fit(name), _ODD_NUMBERS, 0.02)
                for name in names
            ]
        )
    return "\n".join(",".join(row) for row in rows).encode() + random.choice((b"", b"\n", b"\r\n"))


def _fit(name: str) -> tuple[str, ...]:
    if name == CONDITIONS_COLUMN:
        return "", "{}", '"{""slots"": 2, ""start_cpu_s"": [1, 2], ""expected_cpu_s"": [null, 1]}"', "[]", '{"mode": 1}'
    return ("yes", "no", "") if name in ("gpu", CLIENT_COLUMN) else _NUMBERS


def _request(random: Random, at: int) -> dict[str, object]:
    request: dict[str, object] = {"at_s": mostly(random, (at,), _JSON)}
    for key, ordinary in (
        ("method", ("GET", "post", "PUT")),
        ("path", ("/", "/a?b", "/%00")),
        ("body", ("", "ab")),
        ("json", (1, {})),
    ):
        if random.random() < 0.3 and not ("body" in request and key == "json"):
            request[key] = mostly(random, ordinary, _JSON)
    if random.random() < 0.4:
        request["headers"] = mostly(random, _HEADERS, _JSON)
    return request


def _loop(random: Random) -> dict[str, object]:
    ordinary = {"after": ("answer",), "clients": (1, 4, 256), "think_s": (0, 0.5)}
    return {key: mostly(random, values, _JSON) for key, values in ordinary.items()}


def _replay(trace: Trace) -> None:
    """Replay a short trace under all policies."""
    longest_s = (
        sum(trace.cpu_s)
        + sum(trace.gpu_s)
        + sum(trace.think_s)
        + max((at or 0.0 for at in trace.arrival_s), default=0.0)
    )
    if len(trace) > _SHORT_ROWS or longest_s > _SHORT_S:
        return
    for name, outcome in compare(trace, Scenario()).outcomes.items():
        figures = (outcome.cost, outcome.energy_j, outcome.objective, outcome.p50_ms, outcome.p95_ms)
        assert all(isfinite(figure) and figure >= 0 for figure in figures), f"{name} comes to {figures}"
        assert outcome.requests == len(trace), f"{name} served {outcome.requests} of {len(trace)}"


class _Writer:
    """The end of a connection that keeps what is sent, and is then broken."""

    def __init__(self) -> None:
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data

    async def drain(self) -> None:
        raise ConnectionResetError("enough")


def _send(planned: tuple[PlannedRequest, ...], loop: asyncio.AbstractEventLoop) -> None:
    """Send each request as the player does; h11 must read that one request."""
    for request in planned[:_SHORT_ROWS]:
        writer = _Writer()
        connection = Connection(asyncio.StreamReader(loop=loop), cast("asyncio.StreamWriter", writer), "t")
        with contextlib.suppress(ConnectionBroken):
            loop.run_until_complete(connection.ask(request.method, request.path, request.headers, request.body))
        reading = read_with_h11(writer.sent)
        fixed = [(b"host", b"t"), (b"content-length", b"%d" % len(request.body))]
        own = [(name.encode(), value.strip().encode("latin-1")) for name, value in request.headers.items()]
        meant = (request.method.encode(), request.path.encode(), (*fixed, *own), request.body)
        assert reading.requests == [meant], f"{request} is sent as {writer.sent[:300]!r}"
