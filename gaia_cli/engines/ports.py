"""A port to listen on: the one that was asked for, or a free one when somebody else has it."""

import socket

from gaia_cli.errors import UsageError

HOST = "127.0.0.1"


def choose_port(asked: int) -> int:
    """Return `asked` if it is free on this machine, else a free one; 0 asks for any free one.

    Raises:
        UsageError: `asked` is no port, or this user may not listen on it.
    """
    if not 0 <= asked <= 65535:
        raise UsageError(f"--port {asked} is not a port", "use a number from 0 to 65535; 0 takes any free port")
    try:
        return _bind(asked)
    except PermissionError:
        raise UsageError(f"--port {asked} needs more rights than you have", "use a port above 1023") from None
    except OSError:
        return _bind(0)


def is_free(port: int) -> bool:
    """Return whether nobody listens on `port` now; 0, any port, always is."""
    try:
        _bind(port)
    except OSError:
        return False
    return True


def _bind(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return int(probe.getsockname()[1])
