"""A trace of what a running function saw, from the metrics that a Prometheus has scraped of it.

All samples of the span are asked for as they are, so that an interval of the trace is one of the scrapes (`scrapes`).
Series that differ in more than backend, status and bucket are of different runtimes: of pods of one function, or of
functions, which a selector keeps apart.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from gaia_cli.errors import UsageError
from gaia_cli.running.recording.rows import trace_rows
from gaia_cli.running.recording.scrapes import Buckets, Labels, Scrape, requests_of
from gaia_cli.simulator.traces.conditions import Conditions
from gaia_cli.simulator.traces.trace import Trace, trace_of
from runtime_images.node.place import is_address, public_name
from runtime_images.policy.model import CPU, GPU, Backend

ANSWER_S = 30.0
"""The longest that one answer may take to begin, or to go on."""
ANSWER_BYTES = 64 * 1024 * 1024
"""An hour of a function with both backends and a few statuses, scraped every 15 s, takes 5 MiB."""
REQUESTS_MOST = 2_000_000
NAME = "prometheus"
"""What the trace is called."""

_SERVICE = "gaia_service_duration_seconds"
_HINT = "give the address of a Prometheus that scrapes the function, such as http://127.0.0.1:9090 (docs/simulate.md)"
_OWN_LABELS = ("__name__", "backend", "code", "le", "phase")


class Sample(NamedTuple):
    """One value of one series: the runtime that it is of, its labels, when it was scraped."""

    runtime: Labels
    labels: dict[str, str]
    at_s: float
    value: float


@dataclass(frozen=True, slots=True)
class Asking:
    """Which Prometheus is asked about what: series with the labels of `select`, as PromQL has them, of `last_s`."""

    url: str
    select: str
    last_s: float

    def samples(self, metric: str, also: str = "") -> Iterator[Sample]:
        """Yield the samples of a metric, series by series.

        Raises:
            UsageError: there is no such Prometheus, it refuses the selector, or answers without end.
        """
        matchers = ",".join(part for part in (self.select.strip().strip(","), also) if part)
        for series in self._answer(f"{metric}{{{matchers}}}[{round(1000 * self.last_s)}ms]"):
            labels: dict[str, str] = series["metric"]
            runtime = tuple(sorted((name, text) for name, text in labels.items() if name not in _OWN_LABELS))
            for at_s, text in series["values"]:
                yield Sample(runtime, labels, float(at_s), float(text))

    def _answer(self, query: str) -> list[dict[str, Any]]:
        address = f"{self.url.rstrip('/')}/api/v1/query"
        body = urllib.parse.urlencode({"query": query, "time": f"{time.time():.3f}"}).encode()
        try:
            with urllib.request.urlopen(address, body, ANSWER_S) as answer:  # noqa: S310 -- read_trace has checked it
                text = answer.read(ANSWER_BYTES + 1)
            if len(text) > ANSWER_BYTES:
                raise self._refusal("it answers more than can be taken", "ask for less: --last-s, --select")
            found: list[dict[str, Any]] = json.loads(text)["data"]["result"]
            return found
        except urllib.error.HTTPError as error:
            said = _error_of(error.read(4096))
            raise self._refusal(f"it answers {error.code}{said}", "see --select, and its address") from None
        except OSError as error:
            why = getattr(error, "reason", error)
            raise self._refusal(getattr(why, "strerror", None) or type(why).__name__, _HINT) from None
        except (ValueError, LookupError, TypeError):
            raise self._refusal("its answer is not that of a Prometheus", _HINT) from None

    def _refusal(self, why: str, hint: str) -> UsageError:
        return UsageError(f"cannot ask {public_name(self.url)}: {why}", hint)


def _error_of(text: bytes) -> str:
    try:
        return f": {json.loads(text)['error']}"
    except (ValueError, LookupError, TypeError):
        return ""


def trace_from(url: str, select: str, last_s: float) -> Trace:
    """Return a trace made of the last `last_s` seconds.

    Raises:
        UsageError: there is no such Prometheus, or it has no requests of such a function.
    """
    if not is_address(url):
        raise UsageError(f"{public_name(url)} is no http or https address", _HINT)
    asking = Asking(url, select, last_s)
    runtimes = _scrapes(asking)
    count = sum(max(0.0, scrapes[-1].arrived - scrapes[0].arrived) for scrapes in runtimes)
    if count > REQUESTS_MOST:
        raise UsageError(f"{count:,.0f} requests are too many for one trace", "ask for less: --last-s, --select")
    rows = requests_of(runtimes)
    if not rows:
        hint = "check --select and --last-s, and that Prometheus scrapes the function's metrics (docs/admin.md)"
        raise UsageError(f"{public_name(url)} has no requests of a function in the last {last_s:g} s", hint)
    trace = trace_of(NAME, trace_rows(rows, waits=False))
    return replace(trace, conditions=_conditions(asking), source=public_name(url))


def _scrapes(asking: Asking) -> list[list[Scrape]]:
    """Return what was scraped of each runtime, in the order of time."""
    buckets = Buckets()
    good = 'code!~"5.."'
    for one in asking.samples(f"{_SERVICE}_bucket", good):
        buckets.add(
            one.runtime, one.at_s, _backend(one), one.labels.get("code", ""), float(one.labels["le"]), one.value
        )
    for one in asking.samples(f"{_SERVICE}_sum", good):
        buckets.add_sum(one.runtime, one.at_s, _backend(one), one.labels.get("code", ""), one.value)
    failed = {(one.runtime, one.at_s): one.value for one in asking.samples("gaia_failures_total")}
    shares: dict[tuple[Labels, float], dict[Backend, float]] = defaultdict(dict)
    for one in asking.samples("gaia_cpu_share"):
        shares[one.runtime, one.at_s][_backend(one)] = one.value
    services = buckets.histograms()
    scraped: dict[Labels, list[Scrape]] = defaultdict(list)
    for one in asking.samples("gaia_requests_total"):
        moment = one.runtime, one.at_s
        arrived = one.value - failed.get(moment, 0.0)
        scraped[one.runtime].append(Scrape(one.at_s, arrived, services.get(moment, {}), shares.get(moment, {})))
    return [sorted(scrapes, key=lambda one: one.at_s) for scrapes in scraped.values()]


def _backend(sample: Sample) -> Backend:
    return GPU if sample.labels.get("backend") == GPU else CPU


def _conditions(asking: Asking) -> Conditions:
    """Return what of the function's conditions its metrics say: slots, and how long each backend last took to start."""
    slots = [round(one.value) for one in asking.samples("gaia_slots") if one.value >= 1]
    starts: dict[Backend, float] = {}
    for one in asking.samples("gaia_backend_start_seconds"):
        starts[_backend(one)] = one.value
    took = {backend: (starts[backend],) if backend in starts else () for backend in Backend}
    return Conditions(slots=slots[-1] if slots else None, cpu_starts_s=took[CPU], gpu_starts_s=took[GPU])
