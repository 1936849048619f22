"""A cluster's objects as a test looks at them and makes them: plain calls, without `await`, as the administrator."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

from runtime_images.cluster.kinds import POD, REVISION, Kind
from tests.support.control_plane.rest import APPLY, MERGE, Object, Rest, RestError, path_of

_Result = TypeVar("_Result")
WAIT_S = 60.0
"""A busy machine is no failure."""


class Objects:
    """The objects of a cluster; names without a namespace are of `namespace`."""

    def __init__(self, kubeconfig: Path, namespace: str = "default") -> None:
        self.namespace = namespace
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._rest = Rest(kubeconfig)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._rest.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        """Return an object, None where there is none."""
        try:
            return self.call("GET", self.path(kind, name, namespace))
        except RestError as error:
            if error.status == 404:
                return None
            raise

    def all(self, kind: Kind, namespace: str | None = None, *, labels: str = "") -> list[Object]:
        """Return the objects of a namespace; `labels` is a selector as kubectl takes it."""
        found = self.call("GET", f"{self.path(kind, '', namespace)}?labelSelector={quote(labels)}")["items"]
        return [dict(item) for item in found]

    def apply(self, item: Object, manager: str = "test", *, force: bool = False) -> Object:
        """Apply an object server-side; in our namespace, unless it says another one or has none."""
        flag = "true" if force else "false"
        return self.call("PATCH", f"{path_of(self._placed(item))}?fieldManager={manager}&force={flag}", item, APPLY)

    def create(self, item: Object) -> Object:
        """Create an object that must not be there yet."""
        return self.call("POST", path_of(self._placed(item)).rpartition("/")[0], item)

    def merge(self, kind: Kind, name: str, patch: Object, namespace: str | None = None, *, part: str = "") -> Object:
        """Merge a patch into an object, or into a `part` of it such as its status."""
        path = self.path(kind, name, namespace) + (f"/{part}" if part else "")
        return self.call("PATCH", f"{path}?fieldManager=kubectl-patch", patch, MERGE)

    def delete(self, kind: Kind, name: str, namespace: str | None = None, *, grace_s: int | None = None) -> None:
        """Delete an object, if it is there."""
        query = "" if grace_s is None else f"?gracePeriodSeconds={grace_s}"
        try:
            self.call("DELETE", self.path(kind, name, namespace) + query)
        except RestError as error:
            if error.status != 404:
                raise

    def until(
        self,
        kind: Kind,
        name: str,
        holds: Callable[[Object], object],
        namespace: str | None = None,
        timeout_s: float = WAIT_S,
    ) -> Object:
        """Wait until something holds of an object; return the object."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = self.get(kind, name, namespace)
            if found is not None and holds(found):
                return found
            if time.monotonic() > deadline:
                status = (found or {}).get("status")
                raise AssertionError(f"{kind.name} {name} is not as asked after {timeout_s:.0f} s: {status}")
            time.sleep(0.05)

    def until_gone(self, kind: Kind, name: str, namespace: str | None = None) -> None:
        """Wait until an object is no more."""
        deadline = time.monotonic() + WAIT_S
        while self.get(kind, name, namespace) is not None:
            assert time.monotonic() < deadline, f"{kind.name} {name} is still there"
            time.sleep(0.05)

    def pods(self, revision: str) -> list[Object]:
        """Return the pods of a revision."""
        return self.all(POD, labels=f"serving.knative.dev/revision={revision}")

    def revisions(self, configuration: str) -> list[Object]:
        """Return the revisions of a Configuration, oldest first."""
        found = self.all(REVISION, labels=f"serving.knative.dev/configuration={configuration}")
        number = "serving.knative.dev/configurationGeneration"
        return sorted(found, key=lambda item: int(item["metadata"]["labels"][number]))

    def call(self, method: str, path: str, body: Object | None = None, media: str = "application/json") -> Object:
        """Send any request.

        Raises:
            RestError: the answer is 4xx or 5xx.
        """
        return self._run(self._rest.call(method, path, body, media))

    def path(self, kind: Kind, name: str = "", namespace: str | None = None) -> str:
        """Return where the API has a kind, or one object of it."""
        group = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        place = f"/namespaces/{namespace or self.namespace}" if kind.namespaced and namespace != "*" else ""
        return f"{group}{place}/{kind.plural}" + (f"/{name}" if name else "")

    def _placed(self, item: Object) -> Object:
        if item["kind"].startswith("Cluster") or item["kind"] in ("Node", "Namespace", "RuntimeClass"):
            return item
        item["metadata"].setdefault("namespace", self.namespace)
        return item

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)


def is_ready(item: Object) -> bool:
    """Whether an object says of its present generation that it is ready."""
    status = item.get("status") or {}
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ())
    generation = item["metadata"].get("generation")
    return ready and status.get("observedGeneration", generation) == generation
