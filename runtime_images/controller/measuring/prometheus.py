"""Numbers read from a Prometheus that has asked the pods already, in whichever dialect it knows them.

What it has is as old as its last scrape: a sample that is older than a few of these is not in its answers, and so is
unknown. Between two scrapes nothing seems to come, and then a quarter of a minute's requests at once: so these are
counted over the span of a few. Which dialect has a revision is tried once and remembered while it answers.
"""

import asyncio
import json
import logging
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from math import inf

from runtime_images.controller.measuring.dialects import DIALECTS, POD_LABELS, RUNTIME, STALE_S, Dialect, Role
from runtime_images.controller.measuring.histogram import Histogram
from runtime_images.controller.measuring.numbers import PodNumbers, good_and_failed, number, of_gauges
from runtime_images.controller.measuring.pods import Pod, PodId
from runtime_images.policy.model import Backend

QUERY_S = 1.5
ANSWER_MOST_BYTES = 32 * 1024 * 1024
_LOG = logging.getLogger(__name__)

Row = tuple[Mapping[str, str], float]
"""The labels and the value of a series."""
Ask = Callable[[str], Awaitable[list[Row]]]


class Prometheus:
    """Reads numbers of pods by queries, which `ask` answers."""

    rate_span_s = float(STALE_S)

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._spoken: dict[tuple[str, str], Dialect] = {}

    async def read(self, pods: Sequence[Pod]) -> Mapping[PodId, PodNumbers]:
        """Return the numbers of those pods that Prometheus knows."""
        found: dict[PodId, PodNumbers] = {}
        for dialect in DIALECTS:
            asked = [pod for pod in pods if pod.id not in found and self._may_speak(pod, dialect)]
            by_namespace: dict[str, list[Pod]] = defaultdict(list)
            for pod in asked:
                by_namespace[pod.id.namespace].append(pod)
            for answer in await asyncio.gather(*[self._one(dialect, *one) for one in by_namespace.items()]):
                found |= answer
            self._spoken |= {_revision(pod): dialect for pod in asked if pod.id in found}
        for pod in pods:
            if pod.id not in found:
                self._spoken.pop(_revision(pod), None)
        return found

    async def close(self) -> None:
        """Let go of nothing: a connection is closed with its answer."""

    def _may_speak(self, pod: Pod, dialect: Dialect) -> bool:
        return self._spoken.get(_revision(pod), dialect) is dialect

    async def _one(self, dialect: Dialect, namespace: str, pods: Sequence[Pod]) -> dict[PodId, PodNumbers]:
        try:
            queries = dialect.queries(namespace, {pod.revision for pod in pods})
            answers = await asyncio.gather(*[self._ask(query) for query in queries.values()])
            rows = _by_pod(dict(zip(queries, answers, strict=True)))
            numbers = {pod.id: _numbers(dialect, rows[pod.id.name], pod.backend) for pod in pods}
        except (OSError, TimeoutError, ValueError, LookupError) as error:
            _LOG.warning("Prometheus does not answer: %s", error)
            return {}
        return {one: told for one, told in numbers.items() if told is not None}


def _revision(pod: Pod) -> tuple[str, str]:
    return pod.id.namespace, pod.revision


def _by_pod(rows: Mapping[Role, list[Row]]) -> dict[str, dict[Role, list[Row]]]:
    """Return the rows by the names that may be their pod's, once for all: thousands of rows are of hundreds of pods."""
    found: dict[str, dict[Role, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for role, those in rows.items():
        for row in those:
            for name in {row[0].get(label, "") for label in POD_LABELS}:
                found[name][role].append(row)
    return found


def _numbers(dialect: Dialect, rows: Mapping[Role, list[Row]], backend: Backend) -> PodNumbers | None:
    """Return the numbers of one pod, None where nothing is known of it."""
    mine = {role: [row for row in rows.get(role, ()) if row[0].get("backend", backend) == backend] for role in Role}
    gauges = {labels["__name__"].removeprefix("gaia_"): value for labels, value in mine[Role.GAUGES]}
    age_s = min([value for _, value in mine[Role.AGE]], default=inf)
    if age_s > STALE_S or (dialect is RUNTIME and "requests_total" not in gauges):
        return None
    latency, _ = _durations(dialect, mine[Role.LATENCY], mine[Role.LATENCY_SUM])
    service, failed = _durations(dialect, mine[Role.SERVICE], mine[Role.SERVICE_SUM])
    return replace(of_gauges(gauges, latency, service, failed), age_s=age_s)


def _durations(dialect: Dialect, buckets: Sequence[Row], sums: Sequence[Row]) -> tuple[Histogram, int]:
    """Return the histogram of the good answers, and how many were not good."""
    by_code: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for labels, value in buckets:
        bound = number(labels["le"], infinite=True)
        by_code[labels.get(dialect.code, "")].append((bound * dialect.unit_s, value))
    return good_and_failed(by_code, {labels.get(dialect.code, ""): value * dialect.unit_s for labels, value in sums})


def asking(url: str) -> Ask:
    """Return how the Prometheus at `url` is asked."""
    address = f"{url.rstrip('/')}/api/v1/query"

    async def ask(query: str) -> list[Row]:
        return await asyncio.to_thread(_query, address, query)

    return ask


def _query(address: str, query: str) -> list[Row]:
    """Ask for the present value of a query.

    Raises:
        OSError: no answer, or a refusal.
        ValueError: the answer is no vector.
        LookupError: likewise.
    """
    body = urllib.parse.urlencode({"query": query}).encode()
    with urllib.request.urlopen(address, body, QUERY_S) as answer:  # noqa: S310 -- `observer_of` has checked the scheme
        text = answer.read(ANSWER_MOST_BYTES + 1)
    if len(text) > ANSWER_MOST_BYTES:
        raise ValueError("it answers without end")
    said = json.loads(text)
    if said.get("status") != "success" or said["data"]["resultType"] != "vector":
        raise ValueError("it answers no vector")
    return [(row["metric"], number(row["value"][1])) for row in said["data"]["result"]]
