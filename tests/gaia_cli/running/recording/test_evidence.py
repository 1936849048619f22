"""Streams that wait for nobody must not become loops, and clients that wait must."""

import pytest

from gaia_cli.running.recording.evidence import they_wait
from gaia_cli.running.recording.regularity import Sent
from tests.gaia_cli.running.recording.loads import (
    Draw,
    Pool,
    about,
    exactly,
    first,
    lognormal,
    newest,
    of,
    oldest,
    poisson,
    stream,
    waiting,
)

EVEN, UNEVEN = of(0.05), lognormal(0.05)
SEEDS = range(4)


@pytest.mark.parametrize("clients", [1, 4, 16])
@pytest.mark.parametrize(
    "pause", [exactly(0.0), exactly(0.2), exactly(1.0), about(0.2)], ids=["none", "200 ms", "1 s", "by chance"]
)
@pytest.mark.parametrize("service", [EVEN, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize("slots", [1, 4])
def test_clients_that_wait_are_known(clients: int, pause: Draw, service: Draw, slots: int) -> None:
    loads = [waiting(clients, 400, service, pause, slots=slots, seed=seed) for seed in SEEDS]

    assert [they_wait(load) for load in loads] == [True] * len(SEEDS)


@pytest.mark.parametrize("pool", [newest, oldest, first])
@pytest.mark.parametrize("service", [EVEN, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize("busy", [0.02, 0.1, 0.5, 0.9, 1.3])
@pytest.mark.parametrize("slots", [1, 4])
def test_a_stream_of_chance_on_a_pool_of_connections_is_none(
    pool: Pool, service: Draw, busy: float, slots: int
) -> None:
    loads = [stream(poisson(500, busy * slots / 0.05, seed), service, pool, slots=slots) for seed in SEEDS]

    assert [they_wait(load) for load in loads] == [False] * len(SEEDS)


@pytest.mark.parametrize("pool", [newest, oldest])
@pytest.mark.parametrize("every_s", [0.06, 0.1, 0.25, 1.0])
@pytest.mark.parametrize("service", [EVEN, UNEVEN, lognormal(0.2)], ids=["even", "uneven", "long"])
def test_a_clock_is_none_though_its_requests_hardly_ever_meet(pool: Pool, every_s: float, service: Draw) -> None:
    ticks = [every_s * number + NEARLY[number % len(NEARLY)] for number in range(400)]

    assert not they_wait(stream(ticks, service, pool, slots=4))


NEARLY = [0.0003, 0.0, 0.0011, 0.0004, 0.0002, 0.0009, 0.0001]
"""How late a timer is, in seconds."""


def test_pauses_that_are_less_equal_than_the_answers_prove_nothing() -> None:
    assert not they_wait(waiting(4, 400, of(0.05), lambda random: random.uniform(0.9, 1.1), slots=4))


def test_few_requests_prove_nothing() -> None:
    assert not they_wait(waiting(1, 8, EVEN, about(1.0)))
    assert not they_wait(waiting(3, 3, EVEN, exactly(0.0)))


def test_clients_that_rest_together_still_wait() -> None:
    morning, evening = (waiting(4, 100, UNEVEN, exactly(0.0), seed=seed) for seed in (1, 2))
    later = [[Sent(900 + one.arrived_s, 900 + one.answered_s) for one in own] for own in evening]

    assert they_wait([before + after for before, after in zip(morning, later, strict=True)])


def test_a_load_that_grows_and_shrinks_is_no_loop() -> None:
    moments = sorted([*poisson(200, 2.0, 1), *(20.0 + at for at in poisson(300, 15.0, 2))])

    assert not they_wait(stream(moments, UNEVEN, newest))


def test_where_the_clients_are_guessed_their_order_is_no_evidence() -> None:
    thinking = waiting(4, 100, EVEN, about(1.0))

    assert not they_wait(thinking, guessed=True)
