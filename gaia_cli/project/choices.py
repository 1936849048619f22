"""The words that flags choose from, apart from what they choose: help lists them, and loads nothing that works.

A test holds the modes and accelerators against those of the policy.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Report(StrEnum):
    """How a report is written."""

    FULL = "full"
    JSON = "json"


class Stream(StrEnum):
    """How a running function is shown."""

    FULL = "full"
    JSON_LINES = "json-lines"


class Template(StrEnum):
    """The form of a new function."""

    HANDLER = "handler"
    KNATIVE = "knative"


class ModeName(StrEnum):
    """The four execution modes."""

    CPU = "cpu"
    CPU_PREFERRED = "cpu_preferred"
    GPU_PREFERRED = "gpu_preferred"
    GPU = "gpu"


class EngineName(StrEnum):
    """Where a function is started."""

    AUTO = "auto"
    PROCESS = "process"
    DOCKER = "docker"


class AcceleratorName(StrEnum):
    """What the GPU backend may use."""

    AUTO = "auto"
    NVIDIA = "nvidia"
    EMULATED = "emulated"
    NONE = "none"


class BackendName(StrEnum):
    """Where a function's requests are served."""

    CPU = "cpu"
    GPU = "gpu"


class ListForm(StrEnum):
    """How a list of functions is written for programs."""

    YAML = "yaml"
    JSON = "json"
    NAME = "name"


class ObjectForm(StrEnum):
    """How the objects of a cluster are written."""

    YAML = "yaml"
    JSON = "json"


class DryRun(StrEnum):
    """Who checks what a deploy would send: this machine alone, or the server as well."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """Which cluster and namespace the flags ask for; what is empty is the target's, else the kubeconfig's."""

    context: str = ""
    kubeconfig: Path | None = None
    namespace: str = ""
    target: str = ""
    """The target of gaia.toml that a flag names."""


DEFAULT_PORT = 8080
"""Where `gaia run` listens, unless the port is taken."""
