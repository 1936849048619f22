"""What hooks count as saying that are slow, hang, flap or raise, and what probes cost a worker."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, cast

import pytest

from runtime_images.dynamic_runtime.background import Background
from runtime_images.dynamic_runtime.front.health_questions import SILENT_S, SLOW_START_S, HealthQuestions
from runtime_images.dynamic_runtime.wire.frames import FrameParser
from runtime_images.dynamic_runtime.worker.contract import LoadedFunction
from runtime_images.dynamic_runtime.worker.life.hooks import ask_health
from tests.support.virtual_time import VirtualTimeLoop

Hook = Callable[[], Awaitable[object]]


class Link:
    """The front's end of a worker's socket, as far as questions use it."""

    open = True

    def __init__(self) -> None:
        self.jobs: dict[int, object] = {}
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
        questions, link = HealthQuestions(300.0), Link()
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
        questions, link = HealthQuestions(300.0), Link()
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
        await asyncio.sleep(SILENT_S)
        await questions.ask(busy, "alive")
        assert link.numbers == [1, 2, 3, 4], "a hook that has forgotten a question is asked anew"

    played(scene())


def test_a_late_no_counts_for_the_next_probe_and_no_answer_yet_is_no_yes() -> None:
    async def scene() -> None:
        questions, link, another = HealthQuestions(300.0), Link(), Link()
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


class HookedLink(Link):
    """The socket of a worker that asks this hook of its function's, each question in a task of its own."""

    def __init__(self, questions: HealthQuestions, hook: Hook) -> None:
        super().__init__()
        self._questions = questions
        self._function = LoadedFunction(cast("Any", None), blocking=False, alive=hook, ready=hook)
        self.background = Background()

    def send(self, *parts: bytes) -> None:
        for frame in self.parser.feed(b"".join(parts)):
            self.numbers.append(frame[0])
            self.background.spawn(self._ask(frame[0], frame[3].decode()))

    async def _ask(self, number: int, name: str) -> None:
        well, text = await ask_health(self._function, name)
        self._questions.answered(number, {"well": well, "text": text})


def probed(hook: Hook, name: str, every_s: float = 10.0, looks: int = 8, *, busy: bool = False) -> str:
    """Return what a probe is told that looks again and again: `+` for well, `-` for not."""
    told: list[str] = []

    async def scene() -> None:
        questions = HealthQuestions(request_timeout_s=100.0)
        link = HookedLink(questions, hook)
        link.jobs = {1: None} if busy else {}
        for _ in range(looks):
            told.append("+" if (await questions.ask(cast("Any", link), name))["well"] else "-")
            await asyncio.sleep(every_s)
        await link.background.cancel()

    played(scene())
    return "".join(told)


def taking(*seconds: float, says: object = True) -> Hook:
    """A hook that takes so long each time, and for ever once there is no time left."""
    left = list(seconds)

    async def hook() -> object:
        await asyncio.sleep(left.pop(0) if left else 1e9)
        return says

    return hook


def saying(*answers: object) -> Hook:
    """A hook that says one thing after the other, an exception by raising it."""
    left = list(answers)

    async def hook() -> object:
        answer = left.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return hook


MANY = 20


@pytest.mark.parametrize(
    ("seconds", "says", "ready", "alive"),
    [
        ([0.1] * MANY, True, "++++++++", "++++++++"),
        ([5.0] * MANY, True, "-+++++++", "++++++++"),
        ([5.0] * MANY, False, "--------", "+-------"),
        ([40.0] * MANY, True, "----+++-", "+++++++-"),
        ([0.1], True, "++++----", "++++----"),
        ([5.0], True, "-+++----", "++++----"),
        ([], True, "--------", "++++++++"),
    ],
    ids=["quick", "slow", "slow, and no", "slower than three looks", "a yes, then it hangs", "a slow yes, then hangs",
         "hangs from the start"],
)  # fmt: skip
def test_what_a_hook_has_said_holds_until_it_is_silent_for_three_looks(
    seconds: list[float], says: object, ready: str, alive: str
) -> None:
    assert probed(taking(*seconds, says=says), "ready") == ready
    assert probed(taking(*seconds, says=says), "alive") == alive


def test_a_hook_that_flaps_or_raises_is_taken_at_its_word_each_time() -> None:
    answers = (True, False, None, ValueError("no database"), (False, "warming"), True, asyncio.CancelledError(), "fine")

    assert probed(saying(*answers), "ready") == "+-+--+-+"
    assert probed(saying(*answers), "alive") == "+-+--+-+"


def test_a_hook_that_hangs_once_in_a_while_is_asked_anew_and_believed() -> None:
    assert probed(taking(0.1, 1e9, *[0.1] * MANY), "ready", looks=10) == "++++++++++"
    assert probed(taking(0.1, 1e9, 1e9, *[0.1] * MANY), "ready", looks=12) == "++++---+++++"


def test_a_probe_that_looks_often_does_not_wear_a_hook_out_sooner() -> None:
    told = probed(taking(0.1), "ready", every_s=0.05, looks=90)

    assert set(told) == {"+"}, "it has been silent for 27 s"


def test_a_request_may_keep_the_event_loop_from_the_alive_hook_for_as_long_as_it_may_take() -> None:
    assert probed(taking(0.1), "alive", every_s=25.0, busy=True) == "+++++---"
    assert probed(taking(0.1), "ready", every_s=25.0, busy=True) == "+++-----"


def test_a_function_whose_alive_hook_never_answers_is_dead_in_the_end() -> None:
    told = probed(taking(), "alive", every_s=SLOW_START_S / 4, looks=6)

    assert told == "++++--"
