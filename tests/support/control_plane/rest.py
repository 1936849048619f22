"""The API as the harness uses it: JSON over HTTP, and nothing of the code under test."""

import asyncio
import base64
import json
import ssl
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import yaml

Object = dict[str, Any]

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class RestError(Exception):
    """An answer of 4xx or 5xx."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text[:500]}")
        self.status = status


def path_of(item: Object) -> str:
    """Return where the API has an object, by its own words."""
    version, kind, metadata = item["apiVersion"], item["kind"], item["metadata"]
    plural = {"Endpoints": "endpoints", "Ingress": "ingresses"}.get(kind, kind.lower() + "s")
    plural = plural.removesuffix("ys") + "ies" if plural.endswith(("cys", "ntitys")) else plural
    place = f"/namespaces/{metadata['namespace']}" if metadata.get("namespace") else ""
    return f"{'/apis' if '/' in version else '/api'}/{version}{place}/{plural}/{metadata['name']}"


def parts(kubeconfig: Path) -> tuple[Object, Object]:
    """Return cluster and user of a kubeconfig's current context.

    Raises:
        KeyError: the file does not say them.
    """
    said = yaml.safe_load(kubeconfig.read_text())
    named = {kind: {item["name"]: item[kind[:-1]] for item in said[kind]} for kind in ("contexts", "clusters", "users")}
    context = named["contexts"][said["current-context"]]
    return named["clusters"][context["cluster"]], named["users"][context["user"]]


def _file(said: Object, key: str) -> str | None:
    """Return the file that a kubeconfig names, or that holds what it carries itself."""
    if f"{key}-data" not in said:
        return said.get(key)
    with tempfile.NamedTemporaryFile(prefix="gaia-", delete=False) as file:
        file.write(base64.b64decode(said[f"{key}-data"]))
    return file.name


class Rest:
    """A connection to one API server, with a token or a certificate as the kubeconfig says."""

    def __init__(self, kubeconfig: Path) -> None:
        cluster, user = parts(kubeconfig)
        context = ssl.create_default_context(cafile=_file(cluster, "certificate-authority"))
        if certificate := _file(user, "client-certificate"):
            context.load_cert_chain(certificate, _file(user, "client-key"))
        self._client = httpx2.AsyncClient(
            base_url=cluster["server"],
            headers={"Authorization": f"Bearer {user['token']}"} if "token" in user else {},
            verify=context,
            timeout=httpx2.Timeout(30.0, read=None),
            limits=httpx2.Limits(max_connections=40),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def call(self, method: str, path: str, body: Object | None = None, media: str = "application/json") -> Object:
        """Send a request and return the object that it is answered with."""
        content = None if body is None else json.dumps(body)
        answer = await self._client.request(method, path, content=content, headers={"Content-Type": media})
        if answer.is_error:
            raise RestError(answer.status_code, answer.text)
        is_object = answer.headers.get("Content-Type", "").startswith("application/json")
        said: Object = answer.json() if is_object else {"text": answer.text}
        return said

    async def apply(self, item: Object) -> Object:
        """Apply an object by force, as its installer."""
        return await self.call("PATCH", f"{path_of(item)}?fieldManager=installer&force=true", item, APPLY)

    async def follow(self, path: str) -> AsyncIterator[tuple[str, Object]]:
        """Yield what there is under a path and then each change, forever: after a cut it begins anew."""
        while True:
            try:
                listed = await self.call("GET", path)
                yield "LISTED", listed
                version = listed["metadata"]["resourceVersion"]
                async with self._client.stream("GET", f"{path}?watch=true&resourceVersion={version}") as stream:
                    async for line in stream.aiter_lines():
                        event = json.loads(line)
                        if event["type"] == "ERROR":
                            break
                        yield event["type"], event["object"]
            except (httpx2.TransportError, RestError, ValueError):
                await asyncio.sleep(0.2)
