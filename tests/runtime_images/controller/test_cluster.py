"""What a Route says is foreign text: what cannot be read keeps its function out, and somebody hears why."""

import json
import logging
from typing import Any

import httpx2
import pytest

from runtime_images.cluster import words
from runtime_images.cluster.access import Access
from runtime_images.cluster.api import Api
from runtime_images.cluster.function import FunctionSettings
from runtime_images.cluster.kinds import ROUTE
from runtime_images.cluster.traffic import targets
from runtime_images.controller.cluster import Cluster
from runtime_images.policy.model import CPU, GPU, ExecutionMode


def route(name: str, settings: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "prod", "uid": name, "resourceVersion": "1"}
    return {
        "apiVersion": ROUTE.api_version,
        "kind": ROUTE.name,
        "metadata": metadata | {"annotations": {words.SETTINGS: settings}, "labels": {words.FUNCTION: name}},
        "spec": {"traffic": targets(name, {CPU: 100, GPU: 0})},
    }


@pytest.mark.parametrize("text", ["", "{garbage\x1b", "[]", json.dumps({"mode": 1}), "[" * 100_000])
def test_a_function_whose_settings_cannot_be_read_is_left_alone_and_told_of(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    cluster = Cluster(
        Api(Access("http://cluster", "prod", "c", "u", httpx2.AsyncHTTPTransport)), "prod", lambda _: None
    )
    cluster.take(route("bad", text))
    cluster.take(route("hello", FunctionSettings("hello", ExecutionMode.CPU_PREFERRED).to_json()))

    with caplog.at_level(logging.WARNING):
        bad, good = cluster.seen(("prod", "bad")), cluster.seen(("prod", "hello"))

    assert bad is None
    assert good is not None
    (said,) = (record.getMessage() for record in caplog.records)
    assert said.startswith("prod/bad is left alone: faas.gaia/settings of its Route cannot be read")


def test_a_function_is_read_once_for_each_change() -> None:
    told: list[object] = []
    cluster = Cluster(Api(Access("http://cluster", "prod", "c", "u", httpx2.AsyncHTTPTransport)), "prod", told.append)
    settings = FunctionSettings("hello", ExecutionMode.CPU_PREFERRED).to_json()
    cluster.take(route("hello", settings))
    first = cluster.seen(("prod", "hello"))
    newer = route("hello", settings)
    newer["metadata"] |= {"resourceVersion": "2", "annotations": {words.SETTINGS: settings, words.PIN: "gpu"}}

    assert cluster.seen(("prod", "hello")) is first
    cluster.take(newer)
    second = cluster.seen(("prod", "hello"))

    assert told == [("prod", "hello")] * 2
    assert second is not None
    assert second.pin is GPU
