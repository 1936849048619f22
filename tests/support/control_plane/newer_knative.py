"""What a Knative does that is newer than the one that runs here, played beside it.

Since knative/serving#16186 a PodAutoscaler's annotations are copies of its Revision's: what somebody else writes there
is written over, and what is written to the Revision takes effect.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.control_plane.rest import MERGE, Object, Rest, RestError

_PREFIX = "autoscaling.knative.dev/"


@contextmanager
def copied_scales(kubeconfig: Path, namespace: str) -> Iterator[None]:
    """Let the autoscaling annotations of a namespace's PodAutoscalers follow those of their Revisions meanwhile."""
    loop = asyncio.new_event_loop()
    copying = loop.create_task(_copy(kubeconfig, namespace))

    def run() -> None:
        try:
            loop.run_until_complete(copying)
        except asyncio.CancelledError:
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(copying.cancel)
        thread.join()


async def _copy(kubeconfig: Path, namespace: str) -> None:
    revisions: dict[str, Object] = {}
    scalers: dict[str, Object] = {}
    async with Rest(kubeconfig) as rest:
        serving = f"/apis/serving.knative.dev/v1/namespaces/{namespace}/revisions"
        scaling = f"/apis/autoscaling.internal.knative.dev/v1alpha1/namespaces/{namespace}/podautoscalers"

        async def follow(path: str, known: dict[str, Object]) -> None:
            async for kind, item in rest.follow(path):
                for one in item["items"] if kind == "LISTED" else [item]:
                    name = one["metadata"]["name"]
                    known.pop(name, None) if kind == "DELETED" else known.update({name: one})
                    if name in revisions and name in scalers:
                        await _align(rest, f"{scaling}/{name}", revisions[name], scalers[name])

        await asyncio.gather(follow(serving, revisions), follow(scaling, scalers))


async def _align(rest: Rest, path: str, revision: Object, scaler: Object) -> None:
    wanted, there = (_scales(item) for item in (revision, scaler))
    changes = {name: wanted.get(name) for name in wanted | there if wanted.get(name) != there.get(name)}
    if changes:
        try:
            await rest.call("PATCH", path, {"metadata": {"annotations": changes}}, MERGE)
        except RestError as error:
            if error.status != 404:
                raise


def _scales(item: Object) -> dict[str, str]:
    """Return the annotations that are copied; class and metric are the PodAutoscaler's own defaults."""
    found: dict[str, str] = item["metadata"].get("annotations") or {}
    own = (f"{_PREFIX}class", f"{_PREFIX}metric")
    return {name: value for name, value in found.items() if name.startswith(_PREFIX) and name not in own}
