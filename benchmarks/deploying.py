"""How long a deploy of a pushed image takes beside `kubectl apply` of the same objects, and what the verbs cost others.

Needs the tests' control plane (Go, root), docker-registry and kubectl. Each round deploys a function of a new name with
`gaia deploy --image`, from the command to its end, and then the objects that Gaia writes for another new name with
kubectl, until the Route is ready: interleaved in one run, so that a busy machine is busy for both.

    python -m benchmarks.deploying [ROUNDS]
"""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests.support.cli import GAIA
from tests.support.control_plane import lifecycle
from tests.support.control_plane.layout import chosen
from tests.support.control_plane.objects import Objects
from tests.support.registry import Pusher, serve

ROUNDS = 5
NEW = (
    "gaia_cli.targets",
    "gaia_cli.commands.cluster",
    "runtime_images.cluster",
    "lightkube",
    "httpx2",
    "yaml",
    "docker",
)
"""What a verb that speaks with no cluster must not load."""
FAST = (["--help"], ["--version"], ["lint", "samples/01-hello"])


def main() -> None:
    """Print both."""
    imports()
    if reason := lifecycle.unavailable():
        sys.exit(f"no control plane: {reason}")
    kubectl = shutil.which("kubectl")
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        host = stack.enter_context(contextlib.contextmanager(serve)(directory, ""))
        image = f"{host}/team/hello@{Pusher(host, 'team/hello').image('1', {'faas.gaia.mode': 'cpu'})}"
        plane = stack.enter_context(a_plane())
        namespace = stack.enter_context(a_namespace(plane.kubeconfig))
        bench = Bench(directory, plane.kubeconfig, namespace, image)
        bench.gaia()  # the first one warms the plane and the caches of both
        rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(bench.gaia())
            if kubectl:
                theirs.append(bench.kubectl(kubectl))
    show("gaia deploy --image, command to ready", ours)
    if theirs:
        show("kubectl apply and wait, equal objects", theirs)
        print(f"ratio {statistics.median(ours) / statistics.median(theirs):.2f}; asked: at most 3 s")
    else:
        print("no kubectl here to compare with; asked: at most 3 s")


class Bench:
    """One cluster, one pushed image, and functions of new names."""

    def __init__(self, directory: Path, kubeconfig: Path, namespace: str, image: str) -> None:
        self._directory, self._image, self._namespace = directory, image, namespace
        self._environ = os.environ | {"KUBECONFIG": str(kubeconfig), "GAIA_CACHE_DIR": str(directory / "cache")}

    def gaia(self) -> float:
        """Deploy a new function, and return the seconds from the command to its end."""
        project = self._project()
        return self._timed(
            [GAIA, "deploy", str(project), "--image", self._image, "--yes", "--timeout=5m", "-n", self._namespace]
        )

    def kubectl(self, program: str) -> float:
        """Apply the objects that Gaia writes for a new function, and wait for its Route; return the seconds."""
        project = self._project()
        files = project / "out"
        command = [GAIA, "deploy", str(project), "--image", self._image, "--out", str(files), "-n", self._namespace]
        self._timed(command)
        apply = [program, "apply", "--server-side", "--kustomize", str(files), "-n", self._namespace]
        wait = [
            program,
            "wait",
            "--for=condition=Ready",
            f"route/{project.name}",
            "--timeout=60s",
            "-n",
            self._namespace,
        ]
        return self._timed(apply) + self._timed(wait)

    def _project(self) -> Path:
        project = self._directory / f"fn-{uuid.uuid4().hex[:8]}"
        project.mkdir()
        (project / "func.py").write_text("def handler(payload):\n    return payload\n", encoding="utf-8")
        (project / "gaia.toml").write_text(f'[function]\nname = "{project.name}"\n', encoding="utf-8")
        return project

    def _timed(self, command: list[str]) -> float:
        began = time.perf_counter()
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr}")
        return time.perf_counter() - began


@contextlib.contextmanager
def a_plane() -> Iterator[lifecycle.Plane]:
    """Use the control plane that GAIA_TEST_PLANE_INSTANCE names, else one that is started and ended here."""
    if layout := chosen():
        yield lifecycle.up(layout, None)
        return
    plane = lifecycle.up_anywhere(os.getpid())
    try:
        yield plane
    finally:
        lifecycle.down(plane.layout)


@contextlib.contextmanager
def a_namespace(kubeconfig: Path) -> Iterator[str]:
    """Make a namespace for the run."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    with Objects(kubeconfig) as objects:
        objects.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name


def imports() -> None:
    """Print how many modules of the new code the fast verbs load."""
    code = (
        "import json, sys, io, contextlib\nfrom gaia_cli.__main__ import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(json.loads(sys.argv[1]))\n"
        "print(json.dumps([m for m in sys.modules if m.startswith(tuple(json.loads(sys.argv[2])))]))"
    )
    for arguments in FAST:
        command = [sys.executable, "-c", code, json.dumps(arguments), json.dumps(NEW)]
        loaded = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        print(f"gaia {' '.join(arguments)}: {len(loaded)} new modules {' '.join(loaded)}; asked: 0")


def show(what: str, seconds: list[float]) -> None:
    """Print the median and the range."""
    print(f"{what}: median {statistics.median(seconds):.2f} s, {min(seconds):.2f} to {max(seconds):.2f} s")


if __name__ == "__main__":
    main()
