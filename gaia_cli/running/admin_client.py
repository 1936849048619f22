"""Asking a running function on its admin address (docs/admin.md): a Unix socket, or a TCP address with a token."""

import http.client
import json
import socket
from typing import Any
from urllib.parse import urlsplit

from gaia_cli.errors import EngineError
from gaia_cli.running.records import LocalFunction

_MOST_OF_ANSWER = 1024 * 1024


class _OverSocket(http.client.HTTPConnection):
    """A connection over a Unix socket."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("gaia", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(
    function: LocalFunction, method: str, path: str, body: object = None, *, timeout_s: float = 10.0
) -> tuple[int, dict[str, Any]]:
    """Send one request and return the status and the JSON of the answer.

    Raises:
        EngineError: there is no answer, or none that is the runtime's.
    """
    connection = _connection(function.admin, timeout_s)
    headers = {"Authorization": f"Bearer {function.token}"} if function.token else {}
    content = b"" if body is None else json.dumps(body).encode()
    try:
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        said = json.loads(answer.read(_MOST_OF_ANSWER))
    except TimeoutError:
        raise EngineError(
            f"{function.name} gave no answer within {timeout_s:g} s", "give it more time with --timeout"
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EngineError(
            f"{function.name} gives no answer on its admin address: {error}", "see what its `gaia run` shows"
        ) from None
    finally:
        connection.close()
    return answer.status, said if isinstance(said, dict) else {}


def _connection(admin: str, timeout_s: float) -> http.client.HTTPConnection:
    address = urlsplit(admin)
    if address.scheme == "unix":
        return _OverSocket(address.path, timeout_s)
    return http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout_s)
