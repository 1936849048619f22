"""The values of flags that take one of a few words."""

from enum import StrEnum


class Report(StrEnum):
    """How a report is written."""

    FULL = "full"
    JSON = "json"


class Stream(StrEnum):
    """How a running function is shown."""

    FULL = "full"
    JSON_LINES = "json-lines"


class EngineName(StrEnum):
    """Where a function is started."""

    AUTO = "auto"
    PROCESS = "process"
    DOCKER = "docker"


class AcceleratorName(StrEnum):
    """What the GPU backend uses."""

    AUTO = "auto"
    NVIDIA = "nvidia"
    EMULATED = "emulated"
    NONE = "none"


class ModeName(StrEnum):
    """The four execution modes."""

    CPU = "cpu"
    CPU_PREFERRED = "cpu_preferred"
    GPU_PREFERRED = "gpu_preferred"
    GPU = "gpu"


class Template(StrEnum):
    """The form of a new function."""

    HANDLER = "handler"
    KNATIVE = "knative"
