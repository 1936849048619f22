"""The words of a decision's reason: times, counts and backends as a person writes them."""

from runtime_images.policy.model import Backend

NAMES = {Backend.CPU: "the CPU", Backend.GPU: "the GPU"}


def span(seconds: float) -> str:
    """A time: "31 ms", "2.4 s", "90 s", "20 min", "3.4 h"."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.0095 else f"{seconds * 1000:.1f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def target(slo_s: float) -> str:
    """The latency asked for: "the SLO of 300 ms"."""
    return f"the SLO of {span(slo_s)}"


def requests(count: int) -> str:
    """A number of requests: "1 request", "4 requests"."""
    return f"{count} request" if count == 1 else f"{count} requests"
