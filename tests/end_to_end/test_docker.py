"""`gaia build` and `gaia run --engine docker` as a user types them."""

import contextlib
import http.client
import json
import time
from pathlib import Path

import docker
import pytest

from tests.support.cli import run_gaia
from tests.support.half_sent import half_sent_bodies
from tests.support.schemas import misfits
from tests.support.serving import free_port

NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    (tmp_path / "func.py").write_text("def handler(payload):\n    return payload\n")
    (tmp_path / "gaia.toml").write_text('[function]\nname = "plain"\n')
    return tmp_path


@pytest.mark.docker
def test_build_shows_what_it_made_and_the_image_is_there(
    docker_client: docker.DockerClient, function: Path, function_name: str
) -> None:
    built = run_gaia("build", str(function))

    assert built.returncode == 0, built.stderr
    assert built.stdout.startswith(f"built gaia/{function_name}:")
    assert "mode  cpu: " in built.stdout
    assert "adding the function" in built.stderr
    assert docker_client.images.get(f"gaia/{function_name}:latest").labels["faas.gaia.name"] == function_name


@pytest.mark.docker
def test_build_for_a_program_is_one_json_object(function: Path, function_name: str, base_image: str) -> None:
    tag = f"gaia/{function_name}:mine"
    built = run_gaia("build", str(function), "--output-format", "json", "--mode", "gpu_preferred", "--tag", tag)
    result = json.loads(built.stdout)

    assert misfits("build.json", [result]) == []
    assert result["tags"] == [tag]
    assert (result["mode"], result["mode_reason"]) == ("gpu_preferred", "asked for")
    assert (result["base_image"], result["base_reason"]) == (base_image, "asked for")
    assert result["size_bytes"] > 0


@pytest.mark.docker
def test_requirements_that_cannot_be_installed_end_with_2_and_a_hint(function: Path) -> None:
    (function / "requirements.txt").write_text("--no-index\nno-such-package-at-all\n")
    failed = run_gaia("build", str(function))

    assert failed.returncode == 2
    assert "cannot be installed" in failed.stderr
    assert "no-such-package-at-all" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.docker
def test_run_on_docker_plays_a_load_and_leaves_no_container(
    docker_client: docker.DockerClient, function: Path, function_name: str, tmp_path: Path
) -> None:
    load = tmp_path / "load.jsonl"
    load.write_text('{"at_s": 0, "json": {"name": "a"}}\n{"at_s": 0.2, "json": {"name": "b"}}\n')
    played = run_gaia(
        "run", str(function), "--engine", "docker", "--port", "0", "--play", str(load), "--output-format", "json-lines"
    )
    events = [json.loads(line) for line in played.stdout.splitlines()]

    assert played.returncode == 0, played.stderr
    assert next(event for event in events if event["event"] == "stopped")["requests"] == 2
    assert not docker_client.containers.list(all=True, filters={"label": f"faas.gaia.name={function_name}"})


@pytest.mark.docker
def test_a_function_cannot_write_events_of_its_own(function: Path, tmp_path: Path) -> None:
    forged = '{"event": "switch", "from": "cpu", "to": "gpu", "schema_version": 1, "t": 1}'
    (function / "func.py").write_text(
        "import glob\n\n\ndef handler(payload):\n    opened = []\n"
        "    for path in glob.glob('/proc/1/fd/[0-9]*') + ['/proc/1/fd/1', '/proc/1/fd/2']:\n"
        f"        try:\n            open(path, 'w').write({forged!r} + '\\n')\n            opened.append(path)\n"
        "        except OSError:\n            pass\n    return opened\n"
    )
    load = tmp_path / "load.jsonl"
    load.write_text('{"at_s": 0, "json": {}}\n')

    played = run_gaia(
        "run",
        str(function),
        "--engine",
        "docker",
        "--port",
        "0",
        "--mode",
        "cpu",
        "--play",
        str(load),
        "--output-format",
        "json-lines",
    )

    assert played.returncode == 0, played.stderr
    events = [json.loads(line) for line in played.stdout.splitlines()]
    assert "stopped" in {event["event"] for event in events}
    assert "switch" not in {event["event"] for event in events}


@pytest.mark.docker
def test_a_small_container_outlives_clients_that_send_more_than_it_holds(
    docker_client: docker.DockerClient, function: Path, function_name: str
) -> None:
    built = run_gaia("build", str(function))
    assert built.returncode == 0, built.stderr
    port = free_port()
    container = docker_client.containers.run(
        f"gaia/{function_name}:latest", detach=True, read_only=True, tmpfs={"/tmp": ""},
        mem_limit="512m", memswap_limit="512m", ports={"8080/tcp": ("127.0.0.1", port)},
    )  # fmt: skip
    try:
        wait_until_ready(port)
        with half_sent_bodies(port, 60):
            assert ask(port, "POST", "/", b'{"name": "me"}') == (200, {"hello": "me"})
        assert ask(port, "POST", "/", b'{"name": "you"}') == (200, {"hello": "you"})
        container.reload()
        assert container.status == "running"
    finally:
        container.remove(force=True)


def wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if ask(port, "GET", "/health/readiness")[0] == 200:
                return
        time.sleep(0.1)
    raise AssertionError("it does not become ready")


def ask(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        connection.request(method, path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


@pytest.mark.parametrize("arguments", [("build",), ("run", "--engine", "docker")], ids=" ".join)
def test_without_an_engine_a_sentence_and_exit_code_3(plain: Path, arguments: tuple[str, ...]) -> None:
    failed = run_gaia(arguments[0], str(plain), *arguments[1:], env=NO_ENGINE)

    assert failed.returncode == 3
    assert "no Docker engine answers" in failed.stderr
    assert "install Docker" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("tag", ["UPPER:1", "a b", "x:y:z", "-x", "name:", "x" * 300])
def test_a_tag_that_is_none_is_refused_before_anything_is_asked(plain: Path, tag: str) -> None:
    failed = run_gaia("build", str(plain), f"--tag={tag}", env=NO_ENGINE)

    assert failed.returncode == 2
    assert "cannot be the name of an image" in failed.stderr
