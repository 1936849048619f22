"""A real registry for tests, Debian's docker-registry: one that anybody may use, and one that wants a login.

Registered in tests/conftest.py. Each starts once a test process, on a free port of the loopback address, which engines
and Gaia both speak to without TLS.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import eventually

HOW_TO_GET_ONE = "no docker-registry: install it, as with `apt-get install docker-registry`"
USER, PASSWORD = "ada", "geheim-wort"
_HASH = "$2y$04$TEkulzZBgGSaazGGhqQqmeLiAb0RD/EIMkgzTzkHCBTPKWvHM/98G"
"""PASSWORD as `htpasswd -B` writes it."""
_CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {store}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
{auth}
"""
_AUTH = "auth: {{htpasswd: {{realm: test, path: {file}}}}}"


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host of a registry that is open to all, with its port."""
    yield from _serve(tmp_path_factory.mktemp("registry"), "")


@pytest.fixture(scope="session")
def guarded_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host of a registry that wants USER and PASSWORD."""
    directory = tmp_path_factory.mktemp("guarded-registry")
    (directory / "htpasswd").write_text(f"{USER}:{_HASH}\n", encoding="utf-8")
    yield from _serve(directory, _AUTH.format(file=directory / "htpasswd"))


def _serve(directory: Path, auth: str) -> Iterator[str]:
    program = shutil.which("docker-registry", path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/sbin")
    if program is None:
        pytest.skip(HOW_TO_GET_ONE)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    config = directory / "config.yml"
    config.write_text(_CONFIG.format(store=directory / "store", port=port, auth=auth), encoding="utf-8")
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
    try:
        eventually(lambda: _answers(port), True)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
