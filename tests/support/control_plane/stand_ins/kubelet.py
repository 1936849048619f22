"""A small kubelet for all nodes: runs the pods whose image has /real/ in its path, and shows the logs of every pod.

What stands for an image is a file in `images/` of the plane's directory (`Plane.provide`); a pod whose image has none
waits as for one that cannot be pulled. kwok plays all other pods.
"""

import asyncio
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from tests.support.control_plane.layout import Layout
from tests.support.control_plane.rest import Object, Rest
from tests.support.control_plane.stand_ins.logs import Logs
from tests.support.control_plane.stand_ins.real_pod import RealPod

REAL = "/real/"


class Kubelet:
    """The real pods of all nodes, by their uid."""

    def __init__(self, rest: Rest, layout: Layout) -> None:
        self._rest = rest
        self._layout = layout
        self._pods: dict[str, RealPod] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._addresses: Iterator[str] = map(str, layout.real_pods.hosts())

    async def run(self) -> None:
        """Follow the pods of all namespaces."""
        async for kind, item in self._rest.follow("/api/v1/pods"):
            if kind == "LISTED":
                there = {one["metadata"]["uid"] for one in item["items"]}
                for uid in set(self._pods) - there:
                    self._pods.pop(uid).forget()
            for one in item["items"] if kind == "LISTED" else [item]:
                self._see(kind, one)

    def find(self, namespace: str, name: str) -> RealPod | None:
        """Return a pod by its name."""
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        return next((pod for pod in self._pods.values() if pod.path == path), None)

    def _see(self, kind: str, pod: Object) -> None:
        metadata, spec = pod["metadata"], pod["spec"]
        if REAL not in spec["containers"][0]["image"] or not spec.get("nodeName"):
            return
        known = self._pods.get(metadata["uid"])
        if kind == "DELETED":
            if known:
                self._pods.pop(metadata["uid"]).forget()
        elif known is None:
            made = RealPod(self._rest, self._layout, pod, next(self._addresses))
            self._pods[metadata["uid"]] = made
            self._do(made.end() if metadata.get("deletionTimestamp") else made.live())
        elif metadata.get("deletionTimestamp") and not known.is_ending:
            known.is_ending = True
            self._do(known.end())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _run(layout: Layout) -> None:
    async with Rest(Path("kubeconfig")) as rest:
        kubelet = Kubelet(rest, layout)
        await Logs(kubelet.find).serve()
        await kubelet.run()


if __name__ == "__main__":
    asyncio.run(_run(Layout(int(sys.argv[1]))))
