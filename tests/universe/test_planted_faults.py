"""The laws can be broken: faults that are planted in the runtime's own code are each found by a seed."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from runtime_images.dynamic_runtime.edge.connection import HttpConnection
from runtime_images.dynamic_runtime.edge.exchange import Exchange
from runtime_images.dynamic_runtime.edge.outlet import Outlet
from runtime_images.dynamic_runtime.edge.server import HttpServer
from runtime_images.dynamic_runtime.edge.web_sockets.web_socket import WebSocket
from runtime_images.dynamic_runtime.front.health_questions import HealthQuestions
from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.front.link import LongBodies, WorkerLink
from runtime_images.dynamic_runtime.front.router import Front
from runtime_images.dynamic_runtime.front.sockets import Sockets
from runtime_images.dynamic_runtime.front.window_control import Window
from runtime_images.dynamic_runtime.parts import Parts
from runtime_images.dynamic_runtime.wire import frames
from runtime_images.dynamic_runtime.wire.arenas import Slot
from runtime_images.dynamic_runtime.workers.lifecycle import Workers
from runtime_images.dynamic_runtime.workers.supervisor import Supervisor
from runtime_images.policy.model import Backend
from tests.universe.search import broken_law, search, shrunk

MOST_SEEDS = 1000
Original = Callable[..., Any]


def _answers_twice(original: Original) -> Original:
    def give_up(job: Job, status: int, message: str, retry_after_s: int = 0) -> bool:
        there: bool = original(job, status, message, retry_after_s)
        job.given_up = job.started = False
        return there

    return give_up


def _loses_a_request_at_a_switch(original: Original) -> Original:
    def route_to(front: Front, link: WorkerLink) -> None:
        if len(front.queue) > 1:
            front.queue.pop()
        original(front, link)

    return route_to


def _retries_what_has_begun(original: Original) -> Original:
    return lambda job, begun, idempotent: original(job, begun=False, idempotent=begun or idempotent)


def _grants_one_credit_for_many(_: Original) -> Original:
    def grant_credit(job: Job) -> None:
        if job.link is not None and job._chunks_untaken:
            job.link.send(frames.encode(frames.Kind.CREDIT, job.id))
        job._chunks_untaken = 0

    return grant_credit


def _gives_a_backend_up(original: Original) -> Original:
    async def try_to_serve(supervisor: Supervisor, backend: Backend, outage: object) -> None:
        await original(supervisor, backend, outage)
        supervisor._outage = None

    return try_to_serve


def _keeps_the_pointer(original: Original) -> Original:
    def worker_lost(front: Front, link: WorkerLink) -> tuple[int, int]:
        active = front.active
        lost: tuple[int, int] = original(front, link)
        front.active = active
        return lost

    return worker_lost


def _forgets_the_room(_: Original) -> Original:
    def free_body(exchange: Exchange) -> None:
        exchange.slot = None

    return free_body


def _forgets_the_listener(original: Original) -> Original:
    def connection_lost(socket: WebSocket, exc: Exception | None) -> None:
        socket._is_over = True
        original(socket, exc)

    return connection_lost


def _waits_for_its_hook(_: Original) -> Original:
    async def ask(questions: HealthQuestions, link: WorkerLink, hook: str) -> dict[str, Any]:
        return await asyncio.shield(questions._asked(link, hook).answer)

    return ask


def _gives_time_for_anything(original: Original) -> Original:
    def data_received(connection: HttpConnection, data: bytes) -> None:
        connection._patience.head_begins()
        original(connection, data)

    return data_received


def _does_nothing(_: Original) -> Original:
    return lambda *_args, **_kwargs: None


def _does_nothing_later(_: Original) -> Original:
    async def nothing(_: object) -> None:
        """Do nothing."""

    return nothing


PLANTED: dict[str, tuple[type, str, Callable[[Original], Original]]] = {
    "a request that was given up is answered again": (Job, "give_up", _answers_twice),
    "a request is lost at a switch": (Front, "route_to", _loses_a_request_at_a_switch),
    "a POST that has begun is sent again": (Job, "may_run_again", _retries_what_has_begun),
    "slots of failed requests are not given back": (LongBodies, "free", _does_nothing),
    "slots are not given back": (Slot, "free", _does_nothing),
    "credit is forgotten": (Job, "grant_credit", _grants_one_credit_for_many),
    "a backend that fails to start is never tried again": (Supervisor, "_try_to_serve", _gives_a_backend_up),
    "the pointer stays on a dead worker": (Front, "worker_lost", _keeps_the_pointer),
    "the room of a body is forgotten": (Exchange, "free_body", _forgets_the_room),
    "workers that hang are left alone": (Workers, "end_hung", _does_nothing),
    "deadlines are forgotten": (Front, "expire", lambda _: lambda *_args: []),
    "streams that have ended still count": (Window, "stream_ended", _does_nothing),
    "closed connections are kept": (HttpServer, "closed", _does_nothing),
    "clients that are too slow are never cut off": (HttpServer, "tick", _does_nothing),
    "nobody waits for requests at the end": (Parts, "drain", _does_nothing_later),
    "a client that has left is not noticed": (Front, "client_gone", _does_nothing),
    "the WebSockets of a dead worker are forgotten": (Sockets, "lost", lambda _: lambda *_args: 0),
    "a WebSocket that has ended keeps its place": (Window, "socket_ended", _does_nothing),
    "a client that leaves a WebSocket is not noticed": (WebSocket, "connection_lost", _forgets_the_listener),
    "a probe waits for its hook": (HealthQuestions, "ask", _waits_for_its_hook),
    "line ends earn a connection time": (HttpConnection, "data_received", _gives_time_for_anything),
    "an answer that breaks off ends as a whole one does": (Outlet, "abort", lambda _: Outlet.close),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, name, plant = PLANTED[fault]
    monkeypatch.setattr(place, name, plant(getattr(place, name)))
    tried, found = search(itertools.islice(itertools.count(1), MOST_SEEDS), lambda: True)

    assert found is not None, f"not found by {tried} seeds"


def test_what_breaks_a_law_is_made_smaller_and_still_breaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slot, "free", lambda _: None)
    _, found = search(itertools.count(1), lambda: True)
    assert found is not None
    small = shrunk(found, 10.0)

    assert small.schedule.weight < found.schedule.weight / 2
    assert broken_law(small.schedule) == small.law
