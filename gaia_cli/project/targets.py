"""[targets.NAME] of gaia.toml: where a function may be deployed to, and what it costs and may draw there.

The words are those of any cluster, and free of Knative's: `gaia_cli/targets/knative` translates them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime_images.cluster.function import Power, Window
from runtime_images.policy.model import Accelerator, Prices, Slo


@dataclass(frozen=True, slots=True)
class SecretReference:
    """A key of a secret that the cluster has already: its value never passes through here."""

    secret: str
    key: str


@dataclass(frozen=True, slots=True)
class ModelCache:
    """A volume that keeps models between starts: the name of a claim in the namespace, and where it is mounted."""

    claim: str
    path: str


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """One target. What is empty, None or absent is the cluster's, or Gaia's, default.

    Without a table in gaia.toml, `gaia deploy` uses the target `default`: the kubeconfig's current context. A target
    is whole: `slo`, `prices`, `gpus`, `cpus` and `memory` are the function's where its table has none of its own
    (`deployment/resolving.py`); `env` alone is the table's own (`environment.merged`). `cpus` and `memory` are what a
    pod may use, `cpus_request` and `memory_request` what is kept for it where that is less. Sizes are in Docker's
    spelling, powers of 1024: "512m", "2g". `gpus_from_zero` says that nodes with GPUs are started when a pod asks
    for one. `release_first` lets go of the GPU before a new revision asks for one. `progress_deadline_s` None means
    computed from the image's size.
    """

    name: str
    kind: str = "knative"
    context: str = ""
    namespace: str = ""
    registry: str = ""
    pull_secret: str = ""
    accelerator: Accelerator = Accelerator.NVIDIA
    gpus: int = 1
    gpu_resource: str = "nvidia.com/gpu"
    gpus_from_zero: bool = False
    cpus: float | None = None
    cpus_request: float | None = None
    memory: str = ""
    memory_request: str = ""
    sidecar_cpus: float | None = None
    sidecar_memory: str = ""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    affinity: Mapping[str, Any] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    runtime_class: str = ""
    min_scale: int = 0
    max_scale: int = 0
    initial_scale: int | None = None
    concurrency: int = 0
    request_timeout_s: int | None = None
    progress_deadline_s: int | None = None
    visibility: str = "public"
    release_first: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, SecretReference] = field(default_factory=dict)
    model_cache: ModelCache | None = None
    slo: Slo = field(default_factory=Slo)
    prices: Prices = field(default_factory=Prices)
    power: Power = field(default_factory=Power)
    gpu_windows: tuple[Window, ...] = ()
    network_ms: float = 0.0
