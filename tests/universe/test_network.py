"""What the simulation itself has to keep to, so that a breach of a law is the runtime's fault and not its own."""

import asyncio
from random import Random

from tests.universe.network import Universe, Wire


class _Witness(asyncio.Protocol):
    def __init__(self) -> None:
        self.ends = 0

    def eof_received(self) -> bool:
        self.ends += 1
        return False


def test_an_end_that_stands_still_is_seen_to_end_when_it_goes_on() -> None:
    loop, witness = Universe(), _Witness()
    ours, theirs = loop.pair(Wire(), Random(1))
    ours.start(witness)
    theirs.start(asyncio.Protocol())

    theirs.hold(held=True)
    theirs.abort()
    loop.pass_time(1.0)
    assert witness.ends == 0

    theirs.hold(held=False)
    loop.pass_time(1.0)
    assert witness.ends == 1
    loop.close()


def test_who_waits_for_the_rest_of_a_time_sees_it_pass() -> None:
    loop = Universe()
    due_s, waits = loop.time() + 1e-12, 0

    async def wait() -> None:
        nonlocal waits
        while waits < 100 and (rest_s := due_s - loop.time()) > 0:
            waits += 1
            await asyncio.wait([loop.create_future()], timeout=rest_s)

    loop.run_until_complete(wait())
    assert waits == 1
    loop.close()
