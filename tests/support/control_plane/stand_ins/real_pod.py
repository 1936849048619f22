"""One pod that really runs: an address and a network of its own, containers, probes, an orderly end."""

import asyncio
import base64
import contextlib
import json
import shutil
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import quote

import httpx2

from tests.support.control_plane.layout import ADDRESSES, API_PORT, PODS, Layout
from tests.support.control_plane.rest import MERGE, Object, Rest, RestError
from tests.support.control_plane.stand_ins.container import QUEUE_PROXY, Container, now
from tests.support.control_plane.stand_ins.probes import answers

_BEFORE_READY_S, _WHEN_READY_S = 0.05, 1.0
_PULL_AGAIN_S = 1.0
_GATE = "169.254.1.1"


class ImageError(Exception):
    """An image that nothing stands for."""


class RealPod:
    """A pod from its assignment to this node until it is gone."""

    def __init__(self, rest: Rest, layout: Layout, pod: Object, address: str) -> None:
        self._rest = rest
        self._layout = layout
        self._pod = pod
        self._metadata = pod["metadata"]
        self._space = f"p{self._metadata['uid'][:8]}"
        self._address = address
        self._changed = asyncio.Event()
        self._containers: list[Container] = []
        self._probing: list[asyncio.Task[None]] = []
        self._refused = ""
        self._started = now()
        self.directory = layout.directory / "pods" / self._metadata["uid"]
        self.is_ending = False

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self._metadata['namespace']}/pods/{self._metadata['name']}"

    def container(self, name: str) -> Container | None:
        """Return one of its containers, once it has been made."""
        return next((one for one in self._containers if one.name == name), None)

    async def live(self) -> None:
        """Start it and keep it going until `end` or `forget`."""
        reporting = asyncio.create_task(self._report())
        try:
            await self._make()
            watches = (self._watch_readiness, self._watch_life)
            self._probing = [asyncio.create_task(watch(one)) for one in self._containers for watch in watches]
            await asyncio.gather(*(one.run(self._changed) for one in self._containers))
        finally:
            reporting.cancel()

    async def end(self) -> None:
        """End it as a kubelet does: hooks, SIGTERM, the grace period, and then its object goes."""
        self.is_ending = True
        grace = float(
            self._metadata.get("deletionGracePeriodSeconds")
            or self._pod["spec"].get("terminationGracePeriodSeconds")
            or 30
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(
                asyncio.gather(*(self._end_container(one, grace) for one in self._containers)), grace + 1
            )
        self.forget()
        only_this = {"gracePeriodSeconds": 0, "preconditions": {"uid": self._metadata["uid"]}}
        await _insist(partial(self._rest.call, "DELETE", self.path, only_this))

    def forget(self) -> None:
        """End it at once; nothing of it stays but its logs."""
        self.is_ending = True
        for container in self._containers:
            container.forget()
        for probing in self._probing:
            probing.cancel()
        asyncio.get_running_loop().create_task(_ip(f"netns del {self._space}\n", quiet=True))

    async def _end_container(self, container: Container, grace_s: float) -> None:
        hook = container.spec.get("lifecycle", {}).get("preStop", {}).get("httpGet")
        if hook and container.is_running:
            await answers({"httpGet": hook, "timeoutSeconds": grace_s}, container.spec, self._address)
        await container.end(grace_s)

    async def _make(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "name").write_text(self._metadata["name"])
        specs = self._pod["spec"]["containers"]
        while True:
            try:
                images = [{} if spec["name"] == QUEUE_PROXY else self._image(spec["image"]) for spec in specs]
                break
            except ImageError as error:
                self._refused = str(error)
                self._changed.set()
                await asyncio.sleep(_PULL_AGAIN_S)
        self._refused = ""
        await self._make_network()
        await self._make_account()
        for spec, image in zip(specs, images, strict=True):
            environment = {one["name"]: await self._value(one) for one in spec.get("env", ())}
            self._containers.append(Container(spec, image, self._own() | environment, self._space, self.directory))

    def _own(self) -> dict[str, str]:
        """Return the variables that every container gets."""
        server = {"KUBERNETES_SERVICE_HOST": self._layout.address, "KUBERNETES_SERVICE_PORT": str(API_PORT)}
        return {"HOSTNAME": self._metadata["name"], **server}

    def _image(self, reference: str) -> Object:
        """Return what stands for an image, however much its name says: a digest, a tag, or neither."""
        name = reference.partition("@")[0]
        path, _, tag = name.rpartition(":")
        for candidate in (reference, name, name if "/" in tag or not path else path):
            file = self._layout.directory / "images" / quote(candidate, safe="")
            if file.exists():
                found: Object = json.loads(file.read_text())
                return found
        raise ImageError(reference)

    async def _make_network(self) -> None:
        outer = f"v{self._space}"
        await _ip(
            f"netns add {self._space}\n"
            f"link add {outer} type veth peer name eth0 netns {self._space}\n"
            f"addr add {_GATE}/32 dev {outer}\n"
            f"link set {outer} up\n"
            f"route add {self._address}/32 dev {outer}\n"
        )
        await _ip(
            "link set lo up\n"
            f"addr add {self._address}/32 dev eth0\n"
            "link set eth0 up\n"
            f"route add {_GATE} dev eth0 scope link\n"
            f"route add default via {_GATE}\n",
            self._space,
        )

    async def _make_account(self) -> None:
        account = self.directory / "account"
        account.mkdir(exist_ok=True)
        namespace, name = self._metadata["namespace"], self._pod["spec"].get("serviceAccountName", "default")
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        said = await _insist(partial(self._rest.call, "POST", path, asked))
        (account / "token").write_text(said["status"]["token"])
        (account / "namespace").write_text(namespace)
        shutil.copy(self._layout.directory / "pki" / "ca.crt", account)

    async def _value(self, variable: Object) -> str:
        source = variable.get("valueFrom", {})
        if "fieldRef" in source:
            return self._field(source["fieldRef"]["fieldPath"])
        for key, plural in (("secretKeyRef", "secrets"), ("configMapKeyRef", "configmaps")):
            if key in source:
                place = f"/api/v1/namespaces/{self._metadata['namespace']}/{plural}/{source[key]['name']}"
                text: str = (await _insist(partial(self._rest.call, "GET", place)))["data"][source[key]["key"]]
                return base64.b64decode(text).decode() if plural == "secrets" else text
        value: str = variable.get("value", "")
        return value

    def _field(self, path: str) -> str:
        known = {
            "status.podIP": self._address,
            "status.hostIP": ADDRESSES[PODS],
            "spec.nodeName": self._pod["spec"]["nodeName"],
        }
        return known.get(path) or str(self._metadata.get(path.removeprefix("metadata."), ""))

    async def _watch_readiness(self, container: Container) -> None:
        """Keep watching whether a container is ready; more often than its probe says, so that no test waits for it."""
        probe, failures = container.spec.get("readinessProbe") or {}, 0
        while True:
            if container.is_running:
                failures = 0 if await answers(probe, container.spec, self._address) else failures + 1
                self._judge(container, failures, probe.get("failureThreshold", 3))
            await asyncio.sleep(_WHEN_READY_S if container.ready else _BEFORE_READY_S)

    async def _watch_life(self, container: Container) -> None:
        """Keep watching whether a container is alive, and end it where its probe says that it is not."""
        probe, failures = container.spec.get("livenessProbe"), 0
        while probe is not None:
            await asyncio.sleep(probe.get("periodSeconds", 10))
            is_alive = not container.ready or await answers(probe, container.spec, self._address)
            failures = 0 if is_alive else failures + 1
            if failures >= probe.get("failureThreshold", 3):
                container.kill()
                failures = 0

    def _judge(self, container: Container, failures: int, most: int) -> None:
        is_ready = container.is_running and (failures == 0 or (container.ready and failures < most))
        if is_ready != container.ready:
            container.ready = is_ready
            self._changed.set()

    async def _report(self) -> None:
        """Write the pod's status whenever it has changed; what cannot be written now is written later."""
        self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            status = self._status()
            await _insist(partial(self._rest.call, "PATCH", f"{self.path}/status", {"status": status}, MERGE))

    def _status(self) -> Object:
        made = [one.status() for one in self._containers]
        statuses = made or [self._waiting(spec) for spec in self._pod["spec"]["containers"]]
        is_ready = all(one["ready"] for one in statuses) and not self.is_ending
        kept = [c for c in self._pod["status"].get("conditions", ()) if c["type"] == "PodScheduled"]
        hold = {"Initialized": True, "ContainersReady": is_ready, "Ready": is_ready}
        conditions = [{"type": kind, "status": str(holds), "lastTransitionTime": now()} for kind, holds in hold.items()]
        address = {"podIP": self._address, "podIPs": [{"ip": self._address}], "hostIP": ADDRESSES[PODS]}
        return {
            "phase": "Running" if any(one.is_running or one.restarts for one in self._containers) else "Pending",
            "startTime": self._started,
            "conditions": [*kept, *conditions],
            "containerStatuses": statuses,
            **(address if self._containers else {}),
        }

    def _waiting(self, spec: Object) -> Object:
        waiting = {"reason": "ContainerCreating"}
        if self._refused == spec["image"]:
            message = f'Back-off pulling image "{self._refused}": ErrImagePull: {self._refused}: not found'
            waiting = {"reason": "ImagePullBackOff", "message": message}
        what = {"name": spec["name"], "image": spec["image"], "imageID": ""}
        return what | {"ready": False, "started": False, "restartCount": 0, "state": {"waiting": waiting}}


async def _insist(call: Callable[[], Awaitable[Object]]) -> Object:
    """Make a call until the API server answers; that there is no such object any more is an answer, too."""
    while True:
        try:
            return await call()
        except RestError as error:
            if error.status in (404, 409):
                return {}
        except httpx2.TransportError:
            pass
        await asyncio.sleep(0.2)


async def _ip(batch: str, space: str = "", *, quiet: bool = False) -> None:
    """Run several commands of `ip` at once, in a network namespace or in ours."""
    command = ["ip", *(("-n", space) if space else ()), "-batch", "-"]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL if quiet else None
    )
    await process.communicate(batch.encode())
    if process.returncode and not quiet:
        raise OSError(f"ip failed: {batch}")
