"""The programs of a plane with their settings, in the order in which they start."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.control_plane.build import programs
from tests.support.control_plane.layout import (
    ACTIVATOR,
    ADDRESSES,
    AUTOSCALER,
    KUBELET_PORT,
    PODS,
    SYSTEM_NAMESPACE,
    Layout,
)

ETCD, API_SERVER = "etcd", "kube-apiserver"
WATCHERS = ("kube-controller-manager", "kube-scheduler", "kwok", "controller", "autoscaler")
"""What acts on what the API server tells; none of them carries requests."""

_CONTROLLERS = (
    "*,-service-lb-controller,-cloud-node-lifecycle-controller,-node-route-controller,-bootstrap-signer-controller"
)

_API_QPS, _API_BURST = 400, 800
"""Requests that a program may send to the API server: by default so few that tests side by side would queue."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the plane; `place` is its network namespace, empty for the first one."""

    name: str
    command: tuple[str, ...]
    place: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def argv(self) -> list[str]:
        return [*(("ip", "netns", "exec", self.place) if self.place else ()), *self.command]


def of_kubernetes(layout: Layout) -> Iterator[Program]:
    """Yield the programs of Kubernetes. Each finds the plane's directory as its working directory."""
    yield _built(
        ETCD,
        "--data-dir=etcd",
        "--unsafe-no-fsync",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
    )
    yield _built(
        API_SERVER,
        "--etcd-servers=http://127.0.0.1:2379",
        f"--advertise-address={layout.address}",
        "--tls-cert-file=pki/server.crt",
        "--tls-private-key-file=pki/server.key",
        "--client-ca-file=pki/ca.crt",
        "--kubelet-certificate-authority=pki/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-key-file=pki/accounts.pub",
        "--service-account-signing-key-file=pki/accounts.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--token-auth-file=tokens.csv",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--max-requests-inflight=800",
    )
    yield _built(
        "kube-controller-manager",
        "--kubeconfig=kubeconfig",
        "--service-account-private-key-file=pki/accounts.key",
        "--root-ca-file=pki/ca.crt",
        "--use-service-account-credentials=false",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--cert-dir=pki/controllers",
        f"--controllers={_CONTROLLERS}",
        # A busy machine, or an API server that a test has stopped, is no lost node: a test that wants one deletes it.
        "--node-monitor-grace-period=10m",
        f"--kube-api-qps={_API_QPS}",
        f"--kube-api-burst={_API_BURST}",
        "--concurrent-deployment-syncs=20",
        "--concurrent-replicaset-syncs=20",
        "--concurrent-namespace-syncs=40",
    )
    yield _built(
        "kube-scheduler",
        "--kubeconfig=kubeconfig",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--cert-dir=pki/scheduler",
        f"--kube-api-qps={_API_QPS}",
        f"--kube-api-burst={_API_BURST}",
    )
    yield _built(
        "kwok",
        "--config=stages.yaml",
        "--kubeconfig=kubeconfig",
        "--manage-all-nodes=true",
        f"--cidr={layout.stand_ins}",
        f"--node-ip={ADDRESSES[PODS]}",
        f"--node-port={KUBELET_PORT}",
        "--server-address=127.0.0.1:10247",
    )


def of_knative() -> Iterator[Program]:
    """Yield the programs of Knative Serving."""
    yield _knative("webhook", 0, WEBHOOK_NAME="webhook", WEBHOOK_PORT="8443")
    yield _knative("controller", 1)
    yield _knative("autoscaler", 2, AUTOSCALER)
    yield _knative("activator", 3, ACTIVATOR)


def of_stand_ins(layout: Layout) -> Iterator[Program]:
    """Yield what stands in for the rest of a cluster."""
    yield _python("gateway", "")
    yield _python("played_pods", PODS)
    yield _python("kubelet", PODS, str(layout.number))


def everything(layout: Layout) -> Iterator[Program]:
    """Yield all programs, in the order in which they start."""
    yield from of_kubernetes(layout)
    yield from of_stand_ins(layout)
    yield from of_knative()


def _built(name: str, *arguments: str) -> Program:
    return Program(name, (str(programs() / name), *arguments))


def _python(name: str, place: str, *arguments: str) -> Program:
    module = f"tests.support.control_plane.stand_ins.{name}"
    return Program(name, (sys.executable, "-m", module, *arguments), place)


def _knative(name: str, number: int, place: str = "", **more: str) -> Program:
    environment = {
        "KUBECONFIG": "kubeconfig",
        "SYSTEM_NAMESPACE": SYSTEM_NAMESPACE,
        "CONFIG_LOGGING_NAME": "config-logging",
        "CONFIG_OBSERVABILITY_NAME": "config-observability",
        "CONFIG_FEATURES_NAME": "config-features",
        "METRICS_DOMAIN": "knative.dev/serving",
        "METRICS_PROMETHEUS_PORT": str(9090 + number),
        "PROFILING_PORT": str(8008 + number),
        "POD_NAME": f"{name}-0",
        "POD_IP": ADDRESSES.get(place, "127.0.0.1"),
        "KUBE_API_QPS": str(_API_QPS),
        "KUBE_API_BURST": str(_API_BURST),
    }
    return Program(name, (str(programs() / name),), place, environment | more)
