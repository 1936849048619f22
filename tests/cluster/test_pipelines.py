"""The pipelines of docs/ci do what they say: their commands run against a cluster and a registry that wants a login."""

import base64
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from runtime_images.cluster.kinds import CONFIGURATION, ROUTE
from tests.support.cli import call_gaia
from tests.support.control_plane.objects import Objects, is_ready
from tests.support.control_plane.people import Rule
from tests.support.control_plane.rest import parts
from tests.support.pipelines import Runner, run_github, run_gitlab
from tests.support.registry import PASSWORD, USER

pytestmark = [
    pytest.mark.docker,
    pytest.mark.timeout(600),  # a dozen commands in processes of their own, on a machine that may be busy
    pytest.mark.skipif(shutil.which("docker") is None, reason="no docker command, with which the pipelines log in"),
]

RIGHTS: list[Rule] = [
    {"apiGroups": ["serving.knative.dev"], "resources": ["*"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["pods", "pods/log", "events", "services"], "verbs": ["get", "list"]},
]
"""What docs/ci.md asks for."""
AUDIENCE, OF_THE_JOB = "the cluster", "token-of-this-job"


@pytest.fixture
def checkout(function: Path, guarded_registry: str, namespace: str) -> Path:
    """A repository with a function, whose target is the test's namespace."""
    toml = (function / "gaia.toml").read_text(encoding="utf-8")
    target = f'[targets.prod]\nregistry = "{guarded_registry}/team"\nnamespace = "{namespace}"\naccelerator = "none"\n'
    (function / "gaia.toml").write_text(f"{toml}\n{target}", encoding="utf-8")
    for command in (["init"], ["remote", "add", "origin", "https://git.example/team/hello.git"]):
        subprocess.run(["git", *command], cwd=function, check=True, capture_output=True)
    return function


@pytest.fixture
def runner(checkout: Path, user: Callable[..., Path], guarded_registry: str, tmp_path: Path) -> Iterator[Runner]:
    """A machine of either service: it gets tokens for the cluster from an address, or as a variable."""
    cluster, who = parts(user(RIGHTS, name="ci"))
    temporary = tmp_path / "runner"
    temporary.mkdir()
    with token_server(who["token"]) as address:
        expressions = {
            "github.actor": USER,
            "github.token": PASSWORD,
            "vars.KUBE_SERVER": cluster["server"],
            "vars.KUBE_CA": authority(cluster),
            "vars.KUBE_AUDIENCE": AUDIENCE,
        }
        variables = {
            "REGISTRY": guarded_registry,
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{address}/?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": OF_THE_JOB,
            "CI_REGISTRY": guarded_registry,
            "CI_REGISTRY_USER": USER,
            "CI_REGISTRY_PASSWORD": PASSWORD,
            "KUBE_SERVER": cluster["server"],
            "KUBE_CA": authority(cluster),
            "KUBE_TOKEN": who["token"],
            "TMPDIR": str(temporary),
        }
        yield (run := Runner(checkout, temporary, variables, expressions))
    encoded = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert not any(secret in run.said for secret in (PASSWORD, encoded, who["token"], OF_THE_JOB))


@contextmanager
def token_server(token: str) -> Iterator[str]:
    """Give `token` to a job that asks for one for the cluster, as GitHub does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            known = self.headers["Authorization"] == f"Bearer {OF_THE_JOB}"
            fits = known and asked == {"api-version": ["2.0"], "audience": [AUDIENCE]}
            self.send_response(200 if fits else 403)
            self.end_headers()
            self.wfile.write(json.dumps({"value": token} if fits else {}).encode())

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def authority(cluster: dict[str, str]) -> str:
    if data := cluster.get("certificate-authority-data"):
        return data
    return base64.b64encode(Path(cluster["certificate-authority"]).read_bytes()).decode()


@pytest.mark.parametrize(
    ("run", "analysis"), [(run_github, ["analyze"]), (run_gitlab, ["lint", "manifest"])], ids=["github", "gitlab"]
)
def test_a_pipeline_rehearses_deploys_and_finds_drift(
    run: Callable[[Runner, str], int], analysis: list[str], runner: Runner, objects: Objects, function_name: str
) -> None:
    # a change without its manifest
    assert [run(runner, job) for job in analysis][-1] == 1
    assert "gaia.manifest.toml" in runner.said
    assert call_gaia("manifest", str(runner.checkout), "--write").returncode == 0
    assert call_gaia("analyze", str(runner.checkout), "--write").returncode == 0
    assert [run(runner, job) for job in analysis] == [0] * len(analysis), runner.said
    assert json.loads((runner.checkout / "gaia.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"
    (runner.checkout / "gaia.sarif").unlink()  # each job has a checkout of its own
    (runner.checkout / "gl-code-quality-report.json").unlink(missing_ok=True)

    # a pull request changes nothing, neither in the cluster nor in the registry
    assert run(runner, "rehearse") == 0, runner.said
    assert f"+  name: {function_name}" in runner.said + summary(runner)
    assert objects.all(CONFIGURATION) == objects.all(ROUTE) == []

    # main is deployed, by digest
    assert run(runner, "build") == 0, runner.said
    assert run(runner, "deploy") == 0, runner.said
    route = objects.get(ROUTE, function_name)
    assert route is not None
    assert is_ready(route)
    (configuration,) = objects.all(CONFIGURATION)
    image = configuration["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image.count("@sha256:") == 1

    # at night all is as main says, until somebody changes it by hand
    assert run(runner, "drift") == 0, runner.said
    env = configuration["spec"]["template"]["spec"]["containers"][0].get("env", [])
    changed = {"image": image, "env": [*env, {"name": "BY_HAND", "value": "1"}]}
    patch = {"spec": {"template": {"spec": {"containers": [changed]}}}}
    objects.merge(CONFIGURATION, configuration["metadata"]["name"], patch)
    assert run(runner, "drift") > 0
    assert "kubectl-patch" in runner.said


def summary(runner: Runner) -> str:
    file = runner.temporary / "summary"
    return file.read_text(encoding="utf-8") if file.exists() else ""
