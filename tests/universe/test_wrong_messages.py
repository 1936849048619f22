"""An answer that is wrong is over at once: nothing is waited for, and it takes no time but that of the processor."""

import pytest

from tests.support.wrong_messages import WRONG
from tests.universe.schedule import Client, Schedule, Step
from tests.universe.world import World


@pytest.mark.parametrize("place", range(len(WRONG)), ids=WRONG)
def test_a_wrong_message_takes_no_time(place: int) -> None:
    asks = tuple(
        Client(0.1, (Step("ask", act, answer_bytes=place), Step("read"))) for act in ("answer", "wrong", "answer")
    )
    world = World(Schedule(seed=1, clients=asks, length_s=1.0))
    world.run()
    before, bad, behind = world.clients[:3]
    (asked,) = bad.asked

    assert (bad.ended_s if bad.ended else asked.answered_s) == asked.begun_s
    assert asked.answer is None or asked.answer.status in (200, 500, 502)
    assert [one.asked[0].answer and one.asked[0].answer.status for one in (before, behind)] == [200, 200]
    assert not world.runtime.named("worker_exit")


@pytest.mark.parametrize("act", ["panic", "panic-in-stream", "raise", "break-off"])
@pytest.mark.parametrize("kind", range(6))
def test_whatever_is_raised_takes_no_time(act: str, kind: int) -> None:
    asks = [Client(0.1, (Step("ask", one), Step("read"))) for one in ["answer"] * kind + [act]]
    world = World(Schedule(seed=1, clients=tuple(asks), length_s=1.0))
    world.run()
    bad = world.clients[kind]
    (asked,) = bad.asked

    assert (bad.ended_s if bad.ended else asked.answered_s) == asked.begun_s
    assert asked.answer is not None
    assert (asked.answer.status, asked.answer.whole) == ((500, True) if act in ("panic", "raise") else (200, False))
