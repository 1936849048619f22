"""Real runtimes are asked for their numbers; whatever else answers is a stranger whose words move nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from runtime_images.cluster.function import FunctionSettings
from runtime_images.controller.measuring import scraping
from runtime_images.controller.measuring.memory import FunctionMemory
from runtime_images.controller.measuring.pods import PODS_MOST, Pod, PodId
from runtime_images.controller.measuring.scraping import TOGETHER_MOST, Scraper, from_pod
from runtime_images.controller.observing import Asked, Measurement
from runtime_images.policy.model import CPU, Backend, ExecutionMode, Slo
from tests.support.serving import Serving, free_port, serving, write_function

HANDLER = """
    import time

    def handler(payload):
        time.sleep(payload["s"])
        return payload
"""
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def pod(name: str, address: str = "127.0.0.1", backend: Backend = CPU) -> Pod:
    return Pod(PodId("faces", name, name), backend, f"resize-{backend}-00001", address, ready=True)


def test_the_numbers_of_two_real_runtimes_are_one_backends(tmp_path: Path) -> None:
    ports = {"a": free_port(), "b": free_port()}
    asked = Asked(
        ("faces", "resize"), FunctionSettings("resize", ExecutionMode.CPU, Slo(latency_p95_ms=250)),
        {CPU: "resize-cpu-00001"},
    )  # fmt: skip
    pods = [pod(name) for name in ports]
    scraper = Scraper(lambda one: from_pod(one, ports[one.id.name]))
    memory = FunctionMemory(time.monotonic())

    def measure() -> Measurement:
        numbers = asyncio.run(scraper.read(pods))
        measured = memory.measure(asked, pods, (), numbers, time.monotonic())
        assert measured is not None
        return measured

    with ExitStack() as stack:
        runtimes: list[Serving] = []
        for name, port in ports.items():
            function = write_function(tmp_path / name, HANDLER)
            runtimes.append(stack.enter_context(serving(function, GAIA_MODE="cpu", GAIA_METRICS_PORT=str(port))))
        first = measure()
        services_s = [0.02, 0.04, 0.06, 0.12, 0.3]
        for service_s in services_s:
            for running in runtimes:
                assert running.post({"s": service_s}).status == 200
        second = measure()

    lane = second.lanes[CPU]
    assert (first.lanes[CPU].finished, lane.finished) == (0, 10)
    assert sorted(lane.recent_services_s)[::2] == pytest.approx(services_s, rel=0.15)
    assert sum(lane.recent_services_s) == pytest.approx(2 * sum(services_s), rel=0.1)
    assert all(pair[0] >= pair[1] for pair in zip(lane.recent_latencies_s, lane.recent_services_s, strict=True))
    assert second.arrival_rate > 0
    assert second.pods[CPU] == 2
    assert lane.start_up_s is not None
    assert second.idle_s < 10


async def _endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.0 200 OK\r\n\r\ngaia_requests_total 1\n")
    while True:
        writer.write(b"#" * 65536 + b"\n")
        await writer.drain()


async def _silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


def _says(text: bytes) -> Answer:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        writer.close()

    return answer


STRANGERS: dict[str, Answer] = {
    "endless": _endless,
    "silent": _silent,
    "closes": _says(b""),
    "an error": _says(b"HTTP/1.0 503 Service Unavailable\r\n\r\ngaia_requests_total 1\n"),
    "no HTTP": _says(b"\x16\x03\x01\x02"),
    "half an answer": _says(b"HTTP/1.0 200 OK\r\nContent-Length: 500\r\n\r\ngaia_requests_total 1\n"),
    "no text": _says(b"HTTP/1.0 200 OK\r\n\r\ngaia_requests_total \xff\xfe\n"),
    "other metrics": _says(b"HTTP/1.0 200 OK\r\n\r\nprocess_cpu_seconds_total 1\n"),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger_in_the_place_of_a_pod_is_unknown_within_a_second(stranger: str) -> None:
    async def ask() -> tuple[object, float]:
        connections: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.append(writer)
            try:
                await STRANGERS[stranger](reader, writer)
            except OSError:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        began = time.monotonic()
        found = await Scraper(partial(from_pod, port=port)).read([pod("a")])
        took_s = time.monotonic() - began
        server.close()
        for writer in connections:
            writer.close()
        return found, took_s

    found, took_s = asyncio.run(ask())

    assert found == {}
    assert took_s < 10, "a busy machine is slow, but the limit is a second"


def test_nobody_at_the_address_is_unknown() -> None:
    port = free_port()

    assert asyncio.run(Scraper(partial(from_pod, port=port)).read([pod("a")])) == {}


def test_of_very_many_pods_the_same_few_are_asked_each_time_and_ready_ones_first() -> None:
    asked: list[str] = []

    async def fetch(one: Pod) -> bytes:
        asked.append(one.id.name)
        return b"gaia_requests_total 1\n"

    pods = [pod(f"p{number:03}") for number in range(100)]
    pods[0] = Pod(pods[0].id, CPU, pods[0].revision, "127.0.0.1", ready=False)
    scraper = Scraper(fetch)
    first, second = asyncio.run(scraper.read(pods)), asyncio.run(scraper.read(pods[::-1]))

    assert first.keys() == second.keys()
    assert len(first) == PODS_MOST
    assert "p000" not in asked


def test_however_many_pods_are_silent_the_others_are_measured_after_a_few_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scraping, "POD_S", 0.2)
    monkeypatch.setattr(scraping, "READ_S", 0.3)
    pods = [
        Pod(PodId("faces", f"{what}-{number}", f"{what}-{number}"), CPU, f"{what}-{number}", "127.0.0.1", ready=True)
        for what, count in (("a-silent", 4 * TOGETHER_MOST), ("sound", 20))
        for number in range(count)
    ]

    async def fetch(one: Pod) -> bytes:
        if one.id.name.startswith("a-silent"):
            await asyncio.Event().wait()
        return b"gaia_requests_total 1\n"

    async def looks(count: int) -> list[set[str]]:
        scraper = Scraper(fetch)
        return [{one.name for one in await scraper.read(pods)} for _ in range(count)]

    assert asyncio.run(looks(5))[-1] == {f"sound-{number}" for number in range(20)}
