"""The words that flags choose from, apart from what they choose: help lists them, and loads nothing that works.

A test holds the modes and accelerators against those of the policy.
"""

from enum import StrEnum


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


DEFAULT_PORT = 8080
"""Where `gaia run` listens, unless the port is taken."""
