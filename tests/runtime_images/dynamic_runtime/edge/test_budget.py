"""The one bound on what clients make the front hold: who gets room, who waits, and that the first always goes on."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.edge.budget import MOST_WAITING, Backlog, Budget, Room
from tests.support.clock import FakeClock

LIMIT = 6400
LONG = LIMIT  # a body of this length is long


def budget() -> Budget:
    return Budget(LIMIT, FakeClock().monotonic)


def nothing() -> None:
    """What is called back where it does not matter."""


def test_room_is_given_until_there_is_none_left_and_the_first_that_lacks_it_goes_beyond() -> None:
    shared = budget()
    first, second, third = shared.open(LONG), shared.open(LONG), shared.open(LONG)

    assert first.take(LIMIT)
    assert second.take(100)
    assert not third.take(100)
    assert second.take(3 * LIMIT)
    assert not third.take(100)


def test_room_that_is_given_back_goes_to_the_one_that_came_first() -> None:
    clock = FakeClock()
    shared = Budget(LIMIT, clock.monotonic)
    whole, beyond = shared.open(LONG), shared.open(LONG)
    assert whole.take(LIMIT)
    assert beyond.take(1)
    found: list[str] = []
    clock.advance(1)
    older = shared.open(LONG)
    clock.advance(1)
    younger = shared.open(LONG)
    assert younger.wait(LIMIT - 1, lambda: found.append("younger"))
    assert older.wait(LIMIT - 1, lambda: found.append("older"))
    assert shared.scarce

    whole.free()

    assert found == ["older"]
    older.free()
    assert found == ["older", "younger"]
    assert not shared.scarce


def test_a_short_body_need_not_wait_for_long_ones() -> None:
    shared = budget()
    assert shared.open(LONG).take(LIMIT)
    assert shared.open(LONG).take(1)
    assert shared.open(LONG).wait(1, nothing)

    assert shared.open(100).take(100)


def test_what_is_here_already_may_stay_up_to_a_ceiling() -> None:
    shared = budget()

    assert shared.open(LONG).add(LIMIT + LIMIT // 2)
    assert not shared.open(LONG).add(1)
    assert shared.scarce


def test_only_so_many_wait() -> None:
    shared = budget()
    for _ in range(MOST_WAITING):
        assert shared.open(LONG).wait(1, nothing)

    assert not shared.open(LONG).wait(1, nothing)


@given(st.lists(st.tuples(st.integers(1, 2 * LIMIT), st.booleans()), min_size=1, max_size=30), st.data())
def test_bodies_of_any_length_in_any_order_all_become_whole(
    bodies: list[tuple[int, bool]], data: st.DataObject
) -> None:
    """Each client sends as it is read, or leaves; a request is answered when nothing else goes on."""
    shared = budget()
    missing = {shared.open(length): length for length, _ in bodies}
    leaves = {room for room, (_, leaves) in zip(missing, bodies, strict=True) if leaves}
    whole: list[Room] = []

    def comes(room: Room, size: int) -> Callable[[], None]:
        def go_on() -> None:
            missing[room] -= size

        return go_on

    while missing:
        ready = [room for room in missing if room in leaves or not room.waits]
        if not ready:
            assert whole, "all wait, and nothing is under way that could give room back"
            whole.pop().free()
            continue
        room = data.draw(st.sampled_from(ready))
        size = min(1000, missing[room])
        if room in leaves and (room.waits or room.size > LIMIT // 2):
            del missing[room]
            room.free()
        elif not size:
            del missing[room]
            whole.append(room)
        elif room.take(size):
            missing[room] -= size
        else:
            assert room.wait(size, comes(room, size))
    for room in whole:
        room.free()

    assert shared.held == 0
    assert not shared.scarce


class Reader:
    """A client that does not read."""

    def __init__(self) -> None:
        self.gone = False

    def abort(self) -> None:
        """Leave."""
        self.gone = True


def test_when_too_many_answers_wait_the_client_that_has_kept_one_waiting_longest_is_cut_off() -> None:
    backlog = Backlog(100)
    first, second, third = Reader(), Reader(), Reader()
    backlog.add(first, 40)
    backlog.add(second, 40)
    backlog.add(first, 10)
    backlog.add(third, 10)
    assert backlog.size == 100

    backlog.add(third, 1)

    assert (first.gone, second.gone, third.gone) == (True, False, False)
    assert backlog.size == 51
    backlog.drop(second)
    backlog.drop(second)
    assert backlog.size == 11
