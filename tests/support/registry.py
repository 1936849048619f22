"""A real registry for tests, Debian's docker-registry: one that anybody may use, and one that wants a login.

`Pusher` puts images there without an engine. Registered in tests/conftest.py. Each registry starts once a test
process, on a free port of the loopback address, which engines and Gaia both speak to without TLS.
"""

import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    yield from serve(tmp_path_factory.mktemp("registry"), "")


@pytest.fixture(scope="session")
def guarded_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host of a registry that wants USER and PASSWORD."""
    directory = tmp_path_factory.mktemp("guarded-registry")
    (directory / "htpasswd").write_text(f"{USER}:{_HASH}\n", encoding="utf-8")
    yield from serve(directory, _AUTH.format(file=directory / "htpasswd"))


def serve(directory: Path, auth: str) -> Iterator[str]:
    """Serve a registry with that much of a configuration for `auth`, and yield its host; skip where there is none."""
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
        assert eventually(lambda: _answers(port)), (directory / "log").read_text(encoding="utf-8")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class Pusher:
    """Puts images into the repository `name` of the registry `host`, as whoever USER is where `guarded`."""

    host: str
    name: str
    guarded: bool = False

    def image(
        self,
        tag: str,
        labels: dict[str, str] | None = None,
        layers: tuple[bytes, ...] = (b"layer",),
        *,
        user: str = "65532",
    ) -> str:
        """Push an image that runs as `user`, and return its digest."""
        said = {"Labels": labels, "User": user}
        config = json.dumps({"os": "linux", "architecture": "amd64", "config": said}).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": IMAGE,
            "config": self.blob(config, CONFIG),
            "layers": [self.blob(layer, _LAYER) for layer in layers],
        }
        return self.manifest(tag, manifest)

    def blob(self, content: bytes, kind: str) -> dict[str, Any]:
        """Push a blob, and return what a manifest says of it."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        place = self._ask("POST", f"http://{self.host}/v2/{self.name}/blobs/uploads/", b"", "")["Location"]
        self._ask("PUT", f"{place}&digest={digest}", content, "application/octet-stream")
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def manifest(self, tag: str, manifest: dict[str, Any]) -> str:
        """Push a manifest under a tag, and return its digest."""
        body = json.dumps(manifest).encode()
        self._ask("PUT", f"http://{self.host}/v2/{self.name}/manifests/{tag}", body, manifest["mediaType"])
        return f"sha256:{hashlib.sha256(body).hexdigest()}"

    def _ask(self, method: str, url: str, body: bytes, kind: str) -> Any:  # noqa: ANN401 -- the headers of an answer
        request = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)  # noqa: S310 -- our own
        if self.guarded:
            request.add_header("Authorization", "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- our own
            return answer.headers
