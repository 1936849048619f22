"""The keys of [targets.NAME], each with the kind of value that it takes.

A new key is one line here, one field of `TargetSettings`, and one line in docs/configuration.md.
"""

from dataclasses import replace

from gaia_cli.project import kinds
from gaia_cli.project.deployment import words
from gaia_cli.project.deployment.scheduling import AFFINITY, TOLERATIONS
from gaia_cli.project.environment import ENV, FREE_NAME
from gaia_cli.project.parts import by_name, several, table
from runtime_images.policy.model import Accelerator

_MOST_PODS = 10_000
_CPUS = kinds.number(low=0.001, high=1024)
LONGEST_REQUEST_S = 600
"""What Knative allows unless a cluster's administrator has raised it."""
_LONGEST_ROLLOUT_S = 7 * 86400

_SHARED = (
    "a GPU is asked for whole; where the cluster shares one, name that resource: "
    'gpu_resource = "nvidia.com/gpu.shared" or "nvidia.com/mig-1g.5gb"'
)

KEYS: dict[str, kinds.Kind] = {
    "kind": kinds.choice("knative"),
    "context": words.CONTEXT,
    "namespace": words.NAMESPACE,
    "registry": words.REGISTRY,
    "pull_secret": words.OBJECT,
    "accelerator": kinds.choice(*Accelerator),
    "gpus": replace(kinds.integer(1, 64), hint=_SHARED),
    "gpu_resource": replace(words.GPU_RESOURCE, hint=_SHARED),
    "gpus_from_zero": kinds.FLAG,
    "cpus": _CPUS,
    "cpus_request": _CPUS,
    "memory": kinds.MEMORY,
    "memory_request": kinds.MEMORY,
    "sidecar_cpus": _CPUS,
    "sidecar_memory": kinds.MEMORY,
    "node_selector": by_name(words.LABEL_KEY, words.LABEL_VALUE, 'a table of labels, such as { zone = "a" }'),
    "affinity": AFFINITY,
    "tolerations": TOLERATIONS,
    "runtime_class": words.OBJECT,
    "min_scale": kinds.integer(0, _MOST_PODS),
    "max_scale": kinds.integer(0, _MOST_PODS),
    "initial_scale": kinds.integer(0, _MOST_PODS),
    "concurrency": kinds.integer(0, 1000),
    "request_timeout_s": kinds.integer(1, LONGEST_REQUEST_S),
    "progress_deadline_s": kinds.integer(1, _LONGEST_ROLLOUT_S),
    "visibility": kinds.choice("public", "cluster-local"),
    "release": kinds.choice("first", "after"),
    "env": ENV,
    "secrets": by_name(FREE_NAME, words.SECRET, 'a table of variables, such as { HF_TOKEN = "secret/key" }'),
    "model_cache": table({"claim": words.OBJECT, "path": words.MOUNT_PATH}, "claim", "path"),
    "power": table(
        {
            "cpu_w": kinds.number(),
            "gpu_w": kinds.number(),
            "budget_w": kinds.number(above=True),
            "per_kwh": kinds.number(),
        }
    ),
    "gpu_windows": several(words.WINDOW, 'a list of daily times in UTC, such as ["18:00-06:00"]', least=1),
    "network_ms": kinds.number(high=3_600_000),
}
"""All keys but `slo` and `cost`, which are the function's own tables once more."""

FOREIGN = {
    "gpu": "write gpus = 1, a whole number",
    "release_first": 'write release = "first"',
    "prices": "write [targets.NAME.cost]",
    "resources": "write cpus, memory and gpus; cpus_request and memory_request where less is to be asked for",
    "requests": "write cpus_request and memory_request; GPUs are asked for and limited by gpus alone",
    "limits": "write cpus, memory and gpus",
    "labels": "the labels are Gaia's",
    "annotations": "the annotations are Gaia's",
    "image": "give it to gaia deploy --image",
    "name": "a function has one name: [function] name",
    "secret": 'write [targets.NAME.secrets] with NAME = "secret/key"',
}
"""Keys that others have for the same, and what to write here."""
