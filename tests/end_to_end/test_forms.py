"""Every form and layout through every verb, with its real library: `analyze`, `lint`, `invoke`, `run`, `build`."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.support.cli import GAIA, call_gaia, run_gaia
from tests.support.form_projects import PROJECTS, FormProject
from tests.support.processes import eventually
from tests.support.serving import free_port

ON_CUDA = "\nimport torch\n\nMODEL = torch.nn.Linear(4096, 4096).cuda()\n"
DEADLINE_S = 60

each_form = pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
each_form_in_time = pytest.mark.parametrize(
    "project",
    [pytest.param(one, marks=pytest.mark.long if one.is_slow else ()) for one in PROJECTS],
    ids=lambda project: project.name,
)
each_image = pytest.mark.parametrize(
    "project",
    [pytest.param(one, marks=() if one.is_first_image else pytest.mark.long) for one in PROJECTS],
    ids=lambda project: project.name,
)


@pytest.fixture
def directory(tmp_path: Path, project: FormProject) -> Path:
    """The project's files, in a directory whose name, and so the function's, nobody else has."""
    made = tmp_path / f"form-{uuid.uuid4().hex[:8]}"
    made.mkdir()
    return project.write(made)


@each_form
def test_analyze_reads_what_the_function_consists_of(directory: Path, project: FormProject) -> None:
    analyzed = call_gaia("analyze", str(directory), "--output-format", "json")
    assert analyzed.returncode == 0, analyzed.stderr
    verdict = json.loads(analyzed.stdout)

    assert verdict["mode"] == "cpu"
    assert {project.entry, *project.imports} <= set(verdict["files"])

    _put_on_cuda(directory, project)
    assert json.loads(call_gaia("analyze", str(directory), "--output-format", "json").stdout)["mode"] == "gpu"


@each_form
def test_lint_reads_it_too(directory: Path, project: FormProject) -> None:
    linted = call_gaia("lint", str(directory))
    assert (linted.returncode, "nothing found" in linted.stdout) == (0, True), linted.stdout + linted.stderr

    changed = _put_on_cuda(directory, project)
    found = call_gaia("lint", str(directory), "--output-format", "json")
    assert found.returncode == 1
    assert changed in found.stdout


@each_form_in_time
def test_invoke_prints_the_answer(directory: Path, project: FormProject) -> None:
    headers = [part for name, value in project.headers.items() for part in ("--header", f"{name}: {value}")]
    request = ("--method", project.method, "--path", project.path, "--data", project.body.decode(), *headers)
    invoked = run_gaia("invoke", str(directory), *request)

    assert invoked.returncode == 0, invoked.stderr
    assert project.is_answered_by(invoked.stdout.encode()), invoked.stdout


@each_form_in_time
def test_run_serves_it_on_both_backends_until_ctrl_c(directory: Path, project: FormProject) -> None:
    with _run(directory) as (process, ready):
        port = int(ready["url"].rpartition(":")[2])
        on_cpu = _ask(port, project)
        switched = run_gaia("switch", directory.name, "gpu")
        on_gpu = _ask(port, project)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=DEADLINE_S)

    summary = json.loads(told.splitlines()[-1])
    assert ready["form"] == project.form
    assert switched.returncode == 0, switched.stderr
    assert [on_cpu[:2], on_gpu[:2]] == [(200, "cpu"), (200, "gpu")], (on_cpu, on_gpu)
    assert project.is_answered_by(on_cpu[2])
    assert project.is_answered_by(on_gpu[2])
    assert process.returncode == 130
    assert (summary["event"], summary["requests"], summary["failures"]) == ("summary", 2, 0)


@pytest.mark.docker
@each_image
def test_build_makes_an_image_that_serves_it(
    directory: Path, project: FormProject, docker_client: docker.DockerClient, base_image: str
) -> None:
    built = run_gaia("build", str(directory), "--base-image", base_image, "--mode", "cpu")
    assert built.returncode == 0, built.stderr

    port = free_port()
    image = f"gaia/{directory.name}:latest"
    container = docker_client.containers.run(
        image, detach=True, read_only=True, tmpfs={"/tmp": ""}, ports={"8080/tcp": ("127.0.0.1", port)}
    )
    try:
        assert eventually(lambda: _is_ready(port), timeout_s=DEADLINE_S), container.logs().decode()
        status, backend, body = _ask(port, project)
        container.stop(timeout=10)
        assert (status, backend, project.is_answered_by(body)) == (200, "cpu", True), body
        assert container.wait()["StatusCode"] in (0, 143)
    finally:
        container.remove(force=True)
        docker_client.images.remove(image, force=True)


def _put_on_cuda(directory: Path, project: FormProject) -> str:
    """Have the last of the function's files need a GPU; return its path."""
    name = (project.entry, *project.imports)[-1]
    with (directory / name).open("a") as file:
        file.write(ON_CUDA)
    return name


@contextmanager
def _run(directory: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Yield a `gaia run` that is ready, with what it says then."""
    command = [GAIA, "run", str(directory), "--engine", "process", "--port", "0", "--mode", "cpu_preferred"]
    process = subprocess.Popen(
        [*command, "--accelerator", "emulated", "--output-format", "json-lines"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "ready":
                break
        else:
            raise AssertionError(process.communicate())
        yield process, event
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _ask(port: int, project: FormProject) -> tuple[int, str | None, bytes]:
    """Return status, backend and body of the answer to the project's request."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)) as connection:
        connection.request(project.method, project.path, project.body, dict(project.headers))
        answer = connection.getresponse()
        return answer.status, answer.headers["x-gaia-backend"], answer.read()


def _is_ready(port: int) -> bool:
    try:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/health/readiness")
            return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
