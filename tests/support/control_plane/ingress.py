"""Stand in for an ingress controller: mark every Knative Ingress ready, as a gateway would that has taken it over."""

import asyncio
import time
from pathlib import Path

from tests.support.control_plane.rest import MERGE, Object, Rest, RestError

INGRESSES = "/apis/networking.internal.knative.dev/v1alpha1/ingresses"
_BALANCER = {"ingress": [{"domainInternal": "gateway.local"}]}


def ready_status(item: Object) -> Object:
    """Return the status of an Ingress that has been taken over."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "observedGeneration": item["metadata"]["generation"],
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": now}
            for kind in ("LoadBalancerReady", "NetworkConfigured", "Ready")
        ],
        "publicLoadBalancer": _BALANCER,
        "privateLoadBalancer": _BALANCER,
    }


async def mark_ready(rest: Rest, item: Object) -> None:
    """Say of an Ingress that it is in force, if it does not say so already."""
    metadata, status = item["metadata"], item.get("status") or {}
    is_ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", ()))
    if is_ready and status.get("observedGeneration") == metadata["generation"]:
        return
    group = INGRESSES.removesuffix("/ingresses")
    path = f"{group}/namespaces/{metadata['namespace']}/ingresses/{metadata['name']}/status"
    try:
        await rest.call("PATCH", path, {"status": ready_status(item)}, MERGE)
    except RestError as error:
        if error.status != 404:
            print(error, flush=True)  # noqa: T201 -- its log


async def _run() -> None:
    async with Rest(Path("kubeconfig")) as rest:
        async for kind, item in rest.follow(INGRESSES):
            changed = item["items"] if kind == "LISTED" else [item]
            if kind != "DELETED":
                await asyncio.gather(*(mark_ready(rest, one) for one in changed))


if __name__ == "__main__":
    asyncio.run(_run())
