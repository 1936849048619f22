"""Who is told what by a probe, and what probes cost a worker."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from runtime_images.dynamic_runtime.front import health
from runtime_images.dynamic_runtime.front.health import HealthQuestions, _names_loopback
from runtime_images.dynamic_runtime.wire.frames import FrameParser
from tests.support.virtual_time import VirtualTimeLoop


class Link:
    """The front's end of a worker's socket, as far as questions use it."""

    open = True

    def __init__(self) -> None:
        self.parser = FrameParser(1 << 16)
        self.numbers: list[int] = []

    def send(self, *parts: bytes) -> None:
        self.numbers += [frame[0] for frame in self.parser.feed(b"".join(parts))]


def played(scene: Coroutine[Any, Any, None]) -> None:
    """Run a scene whose time passes at once, however busy the machine is."""
    loop = VirtualTimeLoop()
    try:
        loop.run_until_complete(scene)
    finally:
        loop.close()


def test_many_probes_at_once_ask_a_worker_one_question() -> None:
    async def scene() -> None:
        questions, link = HealthQuestions(), Link()
        busy: Any = link
        asking = [asyncio.ensure_future(questions.ask(busy, "ready")) for _ in range(50)]
        await asyncio.sleep(0)
        (number,) = link.numbers
        questions.answered(number, {"well": False})

        assert [await probe for probe in asking] == [{"well": False}] * 50
        assert await questions.ask(busy, "ready") == {"well": False}, "what it has said last"
        assert len(link.numbers) == 2

    played(scene())


def test_a_worker_that_has_not_answered_yet_is_asked_again_only_after_a_while() -> None:
    async def scene() -> None:
        questions, link = HealthQuestions(), Link()
        busy: Any = link
        not_yet = {"well": True, "text": "the alive hook has not answered yet"}
        late = [await questions.ask(busy, "alive") for _ in range(5)]

        assert (late, link.numbers) == ([not_yet] * 5, [1]), "each further question costs the worker a call"
        questions.answered(1, {"well": True})
        asking = asyncio.ensure_future(questions.ask(busy, "alive"))
        await asyncio.sleep(0)
        questions.answered(2, {"well": False})
        assert await asking == {"well": False}
        await questions.ask(busy, "alive")
        await asyncio.sleep(health.ASK_AGAIN_S)
        await questions.ask(busy, "alive")
        assert link.numbers == [1, 2, 3, 4], "a hook that has forgotten a question is asked anew"

    played(scene())


def test_a_late_no_counts_for_the_next_probe_and_no_answer_yet_is_no_yes() -> None:
    async def scene() -> None:
        questions, link, another = HealthQuestions(), Link(), Link()
        busy: Any = link
        first = await questions.ask(busy, "ready")
        questions.answered(1, {"well": False, "text": "no database"})
        second = await questions.ask(busy, "ready")
        questions.answered(2, {"well": True, "text": "ready"})
        successor: Any = another
        third = await questions.ask(successor, "ready")

        assert first == {"well": False, "text": "the ready hook has not answered yet"}
        assert second == {"well": False, "text": "no database"}
        assert third == {"well": True, "text": "ready"}, "a switch is no reason to take a function out of the traffic"

    played(scene())


@pytest.mark.parametrize(
    "host", [b"localhost", b"LocalHost:1", b"127.0.0.1:8080", b"127.255.0.9", b"[::1]", b"[::1]:65535"]
)
def test_a_host_that_is_this_machine_alone(host: bytes) -> None:
    assert _names_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        b"", b":8080", b"evil.example", b"localhost.evil.example:80", b"127.0.0.1.evil.example", b"0.0.0.0", b"[::]",
        b"[::ffff:127.0.0.1]", b"127.1", b"2130706433", b"localhost@evil.example", b"\xff", b"128.0.0.1",
    ],
)  # fmt: skip
def test_every_other_host_may_be_a_name_that_somebody_has_pointed_here(host: bytes) -> None:
    assert not _names_loopback(host)
