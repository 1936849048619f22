"""A runtime's metrics as it shows them on its metrics port (docs/admin.md), read into the numbers of one pod.

The text is a pod's own, so nothing in it is trusted: what is not understood is left out, a number that is none makes
the whole text unknown, and its length was bounded when it was fetched. Names are those of the runtime; both are held
against each other in a test, since neither imports the other.
"""

import re
from collections import defaultdict
from math import isfinite

from runtime_images.controller.measuring.histogram import EMPTY, Histogram
from runtime_images.controller.measuring.numbers import PodNumbers
from runtime_images.policy.model import Backend

_SAMPLE = re.compile(r"^(gaia_\w+)(?:\{([^}\n]*)\})? (\S+)$", re.MULTILINE)
_BUCKET = re.compile(
    r'^gaia_(request|service)_duration_seconds_bucket\{backend="(\w+)",code="(\w+)",le="([^"\n]+)"\} (\S+)$',
    re.MULTILINE,
)
_LABEL = re.compile(r'(?:^|,)(\w++)="([^"]*+)"')
_LARGEST = 2.0**53

_Key = tuple[str, str]


def read(text: str, backend: Backend) -> PodNumbers:
    """Return what a runtime says of a backend.

    Raises:
        ValueError: it is no text of a runtime.
    """
    values = _values(text, backend)
    if ("gaia_requests_total", "") not in values:
        raise ValueError("these are not the metrics of a runtime")
    latency, _ = _durations(text, "request", backend, values)
    service, failed = _durations(text, "service", backend, values)

    def value(name: str, label: str = backend.value) -> float | None:
        return values.get((f"gaia_{name}", label))

    def count(name: str, label: str = "") -> int:
        return int(value(name, label) or 0)

    slots, gpu = value("slots", ""), value("gpu_available", "")
    return PodNumbers(
        latency=latency,
        service=service,
        failed=failed,
        arrived=count("requests_total"),
        in_flight=count("requests_in_flight", backend.value),
        in_flight_oldest_s=value("in_flight_oldest_seconds") or 0.0,
        waiting=count("queue_depth"),
        waiting_oldest_s=value("queue_oldest_seconds", "") or 0.0,
        idle_s=value("idle_seconds", ""),
        slots=None if slots is None else max(int(slots), 1),
        cpu_share=value("cpu_share"),
        start_up_s=value("backend_start_seconds"),
        has_gpu=None if gpu is None else gpu > 0,
    )


def _values(text: str, backend: Backend) -> dict[_Key, float]:
    """Return each number by name and backend; of a metric with codes the sums are by code."""
    found: dict[_Key, float] = {}
    for name, labels, number in _SAMPLE.findall(text):
        if name.endswith("_bucket"):
            continue
        told = dict(_LABEL.findall(labels))
        if told.get("backend", backend.value) != backend.value:
            continue
        label = told.get("backend", "") + (f" {told['code']}" if "code" in told else "")
        found[name, label] = _number(number)
    return found


def _durations(text: str, what: str, backend: Backend, values: dict[_Key, float]) -> tuple[Histogram, int]:
    """Return the histogram of the good answers, and how many were not good."""
    buckets: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for kind, of, code, bound, count in _BUCKET.findall(text):
        if kind == what and of == backend.value:
            buckets[code].append((_number(bound, infinite=True), _number(count)))
    good, failed = EMPTY, 0
    for code, pairs in buckets.items():
        name = f"gaia_{what}_duration_seconds_sum"
        histogram = Histogram.of(pairs, values.get((name, f"{backend} {code}"), 0.0))
        if code >= "5":
            failed += histogram.count
        else:
            good += histogram
    return good, failed


def _number(text: str, *, infinite: bool = False) -> float:
    """Return a number that is none below zero; infinity only where it may be one."""
    value = float(text)
    if not (0.0 <= value <= _LARGEST if isfinite(value) else infinite and value > 0):
        raise ValueError(f"{text} is no number of a runtime")
    return value
