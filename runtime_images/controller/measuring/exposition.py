"""A runtime's metrics as it shows them on its metrics port (docs/admin.md), read into the numbers of one pod.

The text is a pod's own, so nothing in it is trusted: what is not understood is left out, a number that is none makes
the whole text unknown, and its length was bounded when it was fetched. Names are those of the runtime; both are held
against each other in a test, since neither imports the other.
"""

import re
from collections import defaultdict

from runtime_images.controller.measuring.histogram import Histogram
from runtime_images.controller.measuring.numbers import PodNumbers, good_and_failed, number, of_gauges
from runtime_images.policy.model import Backend

_SAMPLE = re.compile(r"^gaia_(\w+)(?:\{([^}\n]*)\})? (\S+)$", re.MULTILINE)
_BUCKET = re.compile(
    r'^gaia_(request|service)_duration_seconds_bucket\{backend="(\w+)",code="(\w+)",le="([^"\n]+)"\} (\S+)$',
    re.MULTILINE,
)
_LABEL = re.compile(r'(?:^|,)(\w++)="([^"]*+)"')


def read(text: str, backend: Backend) -> PodNumbers:
    """Return what a runtime says of a backend.

    Raises:
        ValueError: it is no text of a runtime.
    """
    gauges, sums_s = _values(text, backend)
    if "requests_total" not in gauges:
        raise ValueError("these are not the metrics of a runtime")
    latency, _ = _durations(text, "request", backend, sums_s)
    service, failed = _durations(text, "service", backend, sums_s)
    return of_gauges(gauges, latency, service, failed)


def _values(text: str, backend: Backend) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Return each number of the backend or of all by its name; apart, those that are told by code, by it."""
    plain, by_code = dict[str, float](), defaultdict[str, dict[str, float]](dict)
    for name, labels, value in _SAMPLE.findall(text):
        if name.endswith("_bucket"):
            continue
        told = dict(_LABEL.findall(labels))
        if told.get("backend", backend.value) != backend.value:
            continue
        into = by_code[name] if "code" in told else plain
        into[told.get("code", name)] = number(value)
    return plain, by_code


def _durations(text: str, what: str, backend: Backend, sums_s: dict[str, dict[str, float]]) -> tuple[Histogram, int]:
    """Return the histogram of the good answers, and how many were not good."""
    buckets: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for kind, of, code, bound, count in _BUCKET.findall(text):
        if kind == what and of == backend.value:
            buckets[code].append((number(bound, infinite=True), number(count)))
    return good_and_failed(buckets, sums_s.get(f"{what}_duration_seconds_sum", {}))
