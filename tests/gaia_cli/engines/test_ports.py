import socket

import pytest

from gaia_cli.engines.ports import HOST, choose_port, is_free
from gaia_cli.errors import UsageError


def test_a_free_port_is_taken_as_asked() -> None:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        free = int(probe.getsockname()[1])

    assert choose_port(free) == free
    assert is_free(free)


def test_a_free_port_is_found_when_the_asked_one_is_taken() -> None:
    with socket.create_server((HOST, 0)) as taken:
        asked = int(taken.getsockname()[1])

        assert choose_port(asked) not in (0, asked)
        assert not is_free(asked)


def test_zero_asks_for_any_port() -> None:
    assert choose_port(0) > 0
    assert is_free(0)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_that_is_no_port_is_a_usage_error(port: int) -> None:
    with pytest.raises(UsageError, match=str(port)):
        choose_port(port)
