"""Where a plane's parts lie and how they are reached: all of it follows from the plane's number.

Inside, every plane looks alike: its namespaces see no other plane. What differs is the one link that leads in and the
addresses of its pods, which can be reached from outside through that link, as through a VPN of a company.
"""

import os
import tempfile
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

MOST_PLANES = 16
INSTANCE = "GAIA_TEST_PLANE_INSTANCE"

AUTOSCALER, ACTIVATOR, PODS = "autoscaler", "activator", "pods"
"""The network namespaces beside the plane's first one: some programs insist on the same port, and pods have a host."""

ADDRESSES = {AUTOSCALER: "203.0.113.2", ACTIVATOR: "203.0.113.6", PODS: "203.0.113.10"}
GATES = {AUTOSCALER: "203.0.113.1", ACTIVATOR: "203.0.113.5", PODS: "203.0.113.9"}
"""The first namespace's side of the link to each other one."""

SYSTEM_NAMESPACE = "knative-serving"
ADMIN_TOKEN = "admin-token"
API_PORT = 6443
KUBELET_PORT = 10250
GATEWAY_PORT = 80


@dataclass(frozen=True, slots=True)
class Layout:
    """One plane, by its number."""

    number: int

    @property
    def directory(self) -> Path:
        return Path(tempfile.gettempdir()) / f"gaia-plane-{self.number}"

    @property
    def link(self) -> str:
        """The name of the link's outer end; an interface's name has 15 letters at most."""
        return f"gaia-plane{self.number}"

    @property
    def outer(self) -> str:
        """The address of this machine as the plane sees it: private, so that Knative asks a registry there plainly."""
        return f"10.251.0.{4 * self.number + 5}"

    @property
    def address(self) -> str:
        """The address of the API server and the gateway."""
        return f"10.251.0.{4 * self.number + 6}"

    @property
    def server(self) -> str:
        return f"https://{self.address}:{API_PORT}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.directory / "kubeconfig"

    @property
    def socket(self) -> Path:
        """Where the supervisor takes commands."""
        return self.directory / "control.sock"

    @property
    def pods(self) -> IPv4Network:
        return list(IPv4Network("198.18.0.0/15").subnets(new_prefix=19))[self.number]

    @property
    def stand_ins(self) -> IPv4Network:
        """The addresses of pods that are played."""
        return next(self.pods.subnets(1))

    @property
    def real_pods(self) -> IPv4Network:
        """The addresses of pods in which a runtime runs."""
        return list(self.pods.subnets(1))[1]


def chosen() -> Layout | None:
    """Return the plane that the environment names, if it names one."""
    text = os.environ.get(INSTANCE, "")
    return numbered(text) if text else None


def numbered(text: str) -> Layout:
    """Return the plane of a number, or raise ValueError: there is none."""
    if not text.isdecimal() or int(text) >= MOST_PLANES:
        raise ValueError(f"a plane's number must be below {MOST_PLANES}: {text!r}")
    return Layout(int(text))
