"""What the gateway says of an Ingress that it has taken over: that it is ready."""

import time

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
