"""The words that Gaia writes into a cluster: names, labels, annotations, managers.

A function NAME of a dynamic mode is two Configurations, NAME-cpu and NAME-gpu, and a Route NAME whose traffic is the
only thing that a switch changes. Each backend is also reachable alone, under its tag: Knative makes a Service cpu-NAME
and gpu-NAME for it.
"""

from datetime import UTC, datetime

from runtime_images.policy.model import Backend

TEMPLATE_MANAGER = "gaia"
"""The field manager of everything that a deploy says, the traffic aside."""
TRAFFIC_MANAGER = "gaia-controller"
"""The field manager of spec.traffic, and of the controller's annotations on a Route."""

_PREFIX = "faas.gaia/"

# labels
FUNCTION = _PREFIX + "function"
BACKEND = _PREFIX + "backend"

# annotations on every object of a function
PROJECT = _PREFIX + "project"
"""The identity of the project that the function is deployed from: the same on every machine."""
ORIGIN = _PREFIX + "origin"
"""Where that project lies, for people."""
SOURCES = _PREFIX + "sources"
"""A digest of the function's files: the same sources are the same function, wherever they lie."""
DEPLOYED_BY = _PREFIX + "deployed-by"
DEPLOYED_AT = _PREFIX + "deployed-at"
SETTINGS = _PREFIX + "settings"
"""On the Route: what the controller needs to know of the function, as JSON (`FunctionSettings`)."""
MANIFEST = _PREFIX + "manifest"
ACCELERATOR = _PREFIX + "accelerator"
"""On a Route and a template: "emulated" where no GPU is used, though a backend is called gpu."""
RETRY = _PREFIX + "retry"
"""On a template: the revision that failed for good, and is tried again with a new one."""

# annotations on the Route that decide or tell
DECISION = _PREFIX + "decision"
"""The last decisions with their reasons, newest first, as JSON."""
STATE = _PREFIX + "state"
"""What the policy has learned, as JSON, for the next leader."""
NAMED = _PREFIX + "named"
"""The revisions that backends were named by, as after a rollback, when they had to leave the traffic, as JSON."""
MOVED_BY = _PREFIX + "moved-by"
"""Says that Gaia has moved the traffic before; it stays when somebody else takes the traffic."""
PIN = _PREFIX + "pin"
"""The backend that a person has pinned; written by `gaia pin`, taken away by `gaia unpin`."""
PAUSED = _PREFIX + "paused"
"""The controller leaves a function alone while this is "true"."""

CONTROLLER_PORT = 9465
HEALTH_PATH, READY_PATH = "/healthz", "/readyz"
"""Where the controller answers /metrics and /healthz."""

NAME_LABEL = "app.kubernetes.io/name"
INSTANCE_LABEL = "app.kubernetes.io/instance"
VERSION_LABEL = "app.kubernetes.io/version"
COMPONENT_LABEL = "app.kubernetes.io/component"
PART_OF_LABEL = "app.kubernetes.io/part-of"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "gaia"


def time_text(wall_s: float) -> str:
    """Return a time, in seconds since the epoch, as the API writes times: RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(int(wall_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_s(text: str) -> float | None:
    """Return a time of the API's in seconds since the epoch, None for what is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def configuration_name(function: str, backend: Backend) -> str:
    """Return the name of the Configuration of a backend."""
    return f"{function}-{backend}"


def tag_service_name(function: str, backend: Backend) -> str:
    """Return the name of the Service that Knative makes for a backend's tag; the tag itself is the backend's name."""
    return f"{backend}-{function}"


MOST_ADDED = max(len(make("", backend)) for backend in Backend for make in (configuration_name, tag_service_name))
"""Letters that the names made of a function's have more than it, at most."""
