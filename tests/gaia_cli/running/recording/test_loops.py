import pytest

from gaia_cli.running.recording.loops import Turn, turns
from gaia_cli.running.recording.regularity import Sent
from runtime_images.events.traffic import RequestRow
from runtime_images.policy.model import Backend
from tests.gaia_cli.running.recording.loads import exactly, lognormal, newest, poisson, stream, waiting


def rows(clients: list[list[Sent]], *, connection_each: bool = False, begin: int = 1) -> list[RequestRow]:
    """What the runtime reports of these clients: on a connection each, or on a new one for every request."""
    sent = sorted((one, client) for client, requests in enumerate(clients, start=begin) for one in requests)
    return [
        RequestRow(
            one.arrived_s, Backend.CPU, 10.0, 1000 * (one.answered_s - one.arrived_s), 5.0, 200,
            begin + place if connection_each else client,
        )
        for place, (one, client) in enumerate(sent)
    ]  # fmt: skip


def test_each_client_s_requests_are_its_turns() -> None:
    served = rows(waiting(4, 200, lognormal(0.05), exactly(0.2)))

    found = turns(served)

    assert sorted(found) == list(range(200))
    assert len({(one.client, found[place].client) for place, one in enumerate(served)}) == 4
    assert [found[place].think_s for place in range(8, 200)] == pytest.approx([0.2] * 192, abs=0.02)


def test_a_client_s_first_turn_comes_so_long_after_the_start() -> None:
    late = RequestRow(7.5, Backend.CPU, 100.0, 100.0, 5.0, 200, 3)

    assert turns([late], waits=True) == {0: Turn(1, 7.5)}


def test_a_stream_keeps_its_times() -> None:
    assert turns(rows(stream(poisson(400, 10.0), lognormal(0.05), newest))) == {}


def test_what_is_known_of_a_played_load_is_not_looked_for() -> None:
    closed = rows(waiting(1, 100, lognormal(0.05), exactly(0.0)))

    assert turns(closed, waits=False) == {}
    assert len(turns(closed[:3], waits=True)) == 3


@pytest.mark.parametrize("clients", [1, 4, 16])
def test_clients_that_open_a_connection_for_each_request_are_known_where_they_do_not_think(clients: int) -> None:
    served = rows(waiting(clients, 200, lognormal(0.05), exactly(0.0)), connection_each=True)

    assert len({turn.client for turn in turns(served).values()}) == clients


def test_a_single_client_that_thinks_is_known_though_it_opens_a_connection_for_each_request() -> None:
    served = rows(waiting(1, 200, lognormal(0.05), exactly(0.3)), connection_each=True)

    assert {turn.client for turn in turns(served).values()} == {1}


def test_a_stream_that_opens_a_connection_for_each_request_keeps_its_times() -> None:
    assert turns(rows(stream(poisson(400, 10.0), lognormal(0.05), newest), connection_each=True)) == {}


def test_clients_that_wait_and_a_stream_of_single_connections_are_told_apart() -> None:
    clients = rows(waiting(4, 200, lognormal(0.05), exactly(0.0)))
    others = rows(stream(poisson(100, 10.0), lognormal(0.05), newest), connection_each=True, begin=100)
    both = sorted([*clients, *others])

    found = turns(both)

    assert {both[place].client for place in found} == {1, 2, 3, 4}
    assert len(found) == 200


def test_of_an_older_runtime_no_connections_are_known() -> None:
    alone = [one._replace(client=0) for one in rows(waiting(1, 200, lognormal(0.05), exactly(0.0)))]

    assert {turn.client for turn in turns(alone).values()} == {1}
