"""wrk as the client of a benchmark: a load client in C, which costs a fraction of what the servers do.

A client in Python takes more processor time for a request than a quick server, so that what it measures beyond some
rate is itself. wrk is a package of most distributions; it counts whole seconds.
"""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
local file = io.open("{body}", "rb")
wrk.method = "POST"
wrk.headers["Content-Type"] = "{content_type}"
wrk.body = file:read("*all")
file:close()

function done(summary, latency, requests)
    local failed = summary.errors
    io.write(string.format("\\nseen %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50.0),
        failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
"""
WINDOW_S = 1


@dataclass(frozen=True)
class Seen:
    """What wrk saw: answers, the seconds they took together, and the median latency in microseconds."""

    requests: int
    elapsed_s: float
    p50_us: float


def is_there() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def load(port: int, body: bytes, content_type: str, connections: int) -> Seen:
    """Post `body` over keep-alive connections in a closed loop for a second.

    Raises:
        ConnectionError: a connection broke, or a request was not answered with success.
    """
    with tempfile.TemporaryDirectory() as name:
        body_file, script = Path(name, "body"), Path(name, "post.lua")
        body_file.write_bytes(body)
        script.write_text(_SCRIPT.format(body=body_file, content_type=content_type), "utf-8")
        command = ["wrk", "-t1", f"-c{connections}", f"-d{WINDOW_S}s", "-s", str(script), f"http://127.0.0.1:{port}/"]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("seen "))
    requests, duration_us, p50_us, failed = map(int, line.split()[1:])
    if failed:
        raise ConnectionError(f"{failed} of {requests} requests failed")
    return Seen(requests, duration_us / 1e6, p50_us)
