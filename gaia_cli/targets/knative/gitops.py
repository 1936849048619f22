"""The objects of a deploy as files, for a repository that a GitOps tool applies.

A Route cannot be made without traffic, so its file has some; from then on the traffic is the controller's, and the
tool must leave it alone. How each tool is told stands beside the objects, in the tool's own syntax.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analyzers.lean.writing import make_directories, write_named
from gaia_cli.errors import UsageError
from gaia_cli.places import working_tree
from gaia_cli.targets.knative.objects import Object, birth_traffic, objects
from gaia_cli.targets.protocol import Deployment, Stamp
from gaia_cli.targets.yaml_text import as_yaml
from runtime_images.cluster.kinds import ROUTE
from runtime_images.cluster.words import TRAFFIC_MANAGER

ARGO_FILE = "argocd-application.yaml"
FLUX_FILE = "flux-kustomization.yaml"

_ARGO = f"""\
# For Argo CD: merge this into the Application that applies this directory. The traffic of a Route is moved by
# {TRAFFIC_MANAGER}; Argo CD must neither show that as a difference nor set it back.
spec:
  ignoreDifferences:
    - group: {ROUTE.group}
      kind: {ROUTE.name}
      jsonPointers:
        - /spec/traffic
      managedFieldsManagers:
        - {TRAFFIC_MANAGER}
  syncPolicy:
    syncOptions:
      - ServerSideApply=true
      - RespectIgnoreDifferences=true
"""
_FLUX = f"""\
# For Flux: merge this into the Kustomization that applies this directory. Flux makes the Route where there is none, and
# then leaves it alone, since its traffic is moved by {TRAFFIC_MANAGER}. Configurations are applied as ever. What else
# changes in the Route (an SLO, a price) reaches the cluster by `gaia deploy`, or when the Route is made anew.
spec:
  patches:
    - target:
        group: {ROUTE.group}
        kind: {ROUTE.name}
      patch: |
        - op: add
          path: /metadata/annotations/kustomize.toolkit.fluxcd.io~1ssa
          value: IfNotPresent
"""


def complete_objects(deployment: Deployment, namespace: str) -> list[Object]:
    """Return the objects as a cluster takes them where nothing stands: the Route with the traffic that it is born with.

    Nobody's name and no time is in them, so that the same function gives the same files.
    """
    made = objects(deployment, namespace, Stamp(origin=deployment.identity.origin))
    birth = birth_traffic(made)["spec"]
    return [one | {"spec": birth} if one["kind"] == ROUTE.name else one for one in made]


def write_directory(directory: Path, made: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write the objects, a kustomization of them, and what GitOps tools are to ignore; return the files.

    Raises:
        UsageError: a file cannot be written.
    """
    names = {f"{one['kind'].lower()}-{one['metadata']['name']}.yaml": as_yaml(one) for one in made}
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(names),
    }
    files = names | {"kustomization.yaml": as_yaml(kustomization)}
    files |= {f"gitops/{ARGO_FILE}": _ARGO, f"gitops/{FLUX_FILE}": _FLUX}
    return [_write(directory / name, text) for name, text in files.items()]


def _write(file: Path, text: str) -> Path:
    tree = working_tree()
    try:
        make_directories(tree, os.fspath(file.parent))
        write_named(tree, os.fspath(file), text.encode())
    except OSError as error:
        raise UsageError(
            f"--out: cannot write {file}: {error.strerror}", "name a directory that can be written"
        ) from None
    return file
