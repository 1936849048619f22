"""A pass over several functions: what is wrong with one of them is that one's own trouble, and not for good."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
import pytest

from runtime_images.cluster import words
from runtime_images.cluster.access import Access
from runtime_images.cluster.api import Api
from runtime_images.cluster.function import FunctionSettings
from runtime_images.cluster.kinds import CONFIGURATION, REVISION, ROUTE
from runtime_images.cluster.traffic import targets
from runtime_images.controller.cluster import Cluster
from runtime_images.controller.observing import Asked, Key, Measurement
from runtime_images.controller.passes import Passes
from runtime_images.controller.performing import LedApi, Performer
from runtime_images.controller.telemetry import Metrics
from runtime_images.policy.model import CPU, GPU, Backend, ExecutionMode, LaneObservation, Slo

READY = [{"type": "Ready", "status": "True"}, {"type": "Active", "status": "True"}]


class Nobody(httpx2.AsyncBaseTransport):
    """A cluster that is not asked."""


def objects(name: str, state: str = "") -> dict[Any, list[dict[str, Any]]]:
    """Return what stands of a function: both backends are ready and run, and the CPU serves."""
    settings = FunctionSettings(name, ExecutionMode.CPU_PREFERRED, slo=Slo(latency_p95_ms=100.0))
    split = {CPU: 100, GPU: 0}
    served = [{"tag": backend.value, "percent": share} for backend, share in split.items()]
    status = {"observedGeneration": 1, "conditions": READY, "actualReplicas": 1}
    annotations = {words.SETTINGS: settings.to_json(), words.STATE: state}
    route = _object(name, name, status | {"traffic": served}, annotations) | {"spec": {"traffic": targets(name, split)}}
    made: dict[Any, list[dict[str, Any]]] = {ROUTE: [route], CONFIGURATION: [], REVISION: []}
    for backend in Backend:
        side = words.configuration_name(name, backend)
        names = {"latestReadyRevisionName": f"{side}-00001", "latestCreatedRevisionName": f"{side}-00001"}
        made[CONFIGURATION].append(_object(name, side, status | names))
        revision = _object(name, f"{side}-00001", status)
        revision["metadata"]["labels"]["serving.knative.dev/configuration"] = side
        made[REVISION].append(revision)
    return made


def _object(
    function: str, name: str, status: Mapping[str, Any], annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    metadata = {
        "name": name, "namespace": "prod", "uid": name, "resourceVersion": "1", "generation": 1,
        "labels": {words.FUNCTION: function}, "annotations": dict(annotations or {}),
    }  # fmt: skip
    return {"metadata": metadata, "status": dict(status)}


class Busy:
    """An observer of a load that the CPU can do; of `unknown` functions it knows nothing."""

    def __init__(self, unknown: str = "") -> None:
        self._unknown = unknown

    async def measure(self, functions: Sequence[Asked], now: float) -> Mapping[Key, Measurement]:
        lane = LaneObservation(
            available=True, running=True, recent_latencies_s=(0.02,) * 5, recent_services_s=(0.02,) * 5, finished=5
        )
        return {one.key: Measurement(now, dict.fromkeys(Backend, lane), arrival_rate=5.0) for one in functions
                if one.key[1] != self._unknown}  # fmt: skip

    async def close(self) -> None:
        """Nothing is open."""


async def passes(states: Mapping[str, str], count: int, unknown: str = "") -> tuple[list[float], Metrics]:
    """Make passes over functions whose Routes carry these states; return when each was last found due, and metrics."""
    access, metrics, now = Access("http://cluster", "prod", "c", "u", Nobody), Metrics(), [100.0]
    async with Api(access) as reading, LedApi(access, lambda: True, metrics) as writing:
        cluster = Cluster(reading, "prod", lambda _: None)
        for name, state in states.items():
            of_kind = objects(name, state)
            for watched in cluster.watches:
                for one in of_kind.get(watched.kind, ()):
                    watched.take(one)
        made = Passes(
            cluster, Busy(unknown), Performer(writing, lambda: 1e9), metrics, lambda: True, lambda: now[0], lambda: 1e9
        )
        counted = []
        for _ in range(count):
            await made.once(list(cluster.keys()))
            await made.idle()
            now[0] += 60.0
            counted.append(metrics.registry.get_sample_value("gaia_controller_functions", {"state": "at_rest"}) or 0.0)
        return counted, metrics


@pytest.mark.parametrize(
    "policy",
    [{"rate": "many"}, {"points": [{"gpu_s": "x", "cpu_s": [], "at": {}}]}, {"cpu": {"floor_s": "x", "level": 7}},
     {"account": {"plans": [{"missed": "x"}], "served": "x", "at": "x"}}, {"demotions": 7, "trial_s": None}],
    ids=json.dumps,
)  # fmt: skip
def test_a_state_that_cannot_be_reckoned_with_costs_one_pass_of_its_own_function(policy: dict[str, Any]) -> None:
    state = json.dumps({"wall": 1e9, "policy": policy, "failures": {}})

    at_rest, metrics = asyncio.run(passes({"odd": state, "sound": ""}, 3))

    assert at_rest[0] >= 1
    assert at_rest[-1] == 2
    assert b"api_writes_total{" not in metrics.text(), "nothing changes, so nothing is written"


def test_a_function_with_pods_that_is_not_measured_makes_the_oldest_measurement_older_at_each_pass() -> None:
    _, metrics = asyncio.run(passes({"odd": "", "sound": ""}, 4, unknown="odd"))
    _, known = asyncio.run(passes({"odd": "", "sound": ""}, 4))

    age = "gaia_controller_observation_age_seconds"
    assert metrics.registry.get_sample_value(age) == 180.0
    assert known.registry.get_sample_value(age) == 0.0
