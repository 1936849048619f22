import json
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from gaia_cli.engines.build import BuiltImage, build_image
from gaia_cli.engines.docker_api.client import Docker
from gaia_cli.errors import ConfigurationError, EngineError, RequirementsError
from gaia_cli.images.plan import Target
from gaia_cli.project.manifests import manifest_of
from gaia_cli.project.project import load_project
from runtime_images.policy.model import ExecutionMode
from tests.support.processes import eventually

pytestmark = pytest.mark.docker


def build(engine: Docker, directory: Path, base_image: str = "", tags: tuple[str, ...] = ()) -> BuiltImage:
    project = load_project(directory)
    said: list[str] = []
    target = Target(ExecutionMode.CPU, base_image)
    return build_image(engine, project, manifest_of(project), target, said.append, tags=tags)


def run_in(client: docker.DockerClient, image: BuiltImage, *command: str) -> str:
    output = client.containers.run(
        image.identifier, list(command[1:]), entrypoint=command[0], working_dir="/", remove=True
    )
    return output.decode().strip()


def test_the_image_carries_the_manifest_as_file_and_label(
    engine: Docker, docker_client: docker.DockerClient, function: Path, function_name: str
) -> None:
    image = build(engine, function)
    labels = docker_client.images.get(image.identifier).labels
    file = tomllib.loads(run_in(docker_client, image, "cat", "/function/gaia.manifest.toml"))

    assert json.loads(labels["faas.gaia.manifest"]) == file
    assert file["function"]["name"] == function_name
    assert labels["faas.gaia.mode"] == "cpu"
    assert image.tags[0].startswith(f"gaia/{function_name}:")


def test_the_image_runs_as_a_user_who_may_write_nowhere_in_it(
    engine: Docker, docker_client: docker.DockerClient, function: Path
) -> None:
    image = build(engine, function)
    writable = "id -u; find /function /opt -writable -not -type l"

    assert run_in(docker_client, image, "sh", "-c", writable) == "65532"


def test_the_function_sees_none_of_the_runtimes_packages(
    engine: Docker, docker_client: docker.DockerClient, function: Path
) -> None:
    image = build(engine, function)
    find = "import importlib.util as i; print([n for n in ('uvloop', 'httptools', 'runtime_images') if i.find_spec(n)])"

    assert run_in(docker_client, image, "/opt/function/bin/python", "-c", find) == "[]"
    assert "uvloop" in run_in(docker_client, image, "/opt/gaia/venv/bin/python", "-c", find)


def test_a_secret_does_not_reach_the_image(engine: Docker, docker_client: docker.DockerClient, function: Path) -> None:
    (function / ".env").write_text("TOKEN=1\n")
    image = build(engine, function)

    assert image.left_out == (".env",)
    assert ".env" not in run_in(docker_client, image, "ls", "-A", "/function").splitlines()


def test_local_requirements_are_installed_for_the_function_alone(
    engine: Docker, docker_client: docker.DockerClient, function: Path
) -> None:
    package = function / "greeting"
    package.mkdir()
    (package / "greeting.py").write_text("WORD = 'hello'\n")
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbackend-path = ["."]\nbuild-backend = "backend"\n'
        '[project]\nname = "greeting"\nversion = "1"\n'
    )
    (package / "backend.py").write_text(_BACKEND)
    (function / "requirements.txt").write_text("./greeting\n")
    image = build(engine, function)

    say = "import greeting; print(greeting.WORD)"
    assert run_in(docker_client, image, "/opt/function/bin/python", "-c", say) == "hello"


def test_requirements_that_cannot_be_installed_are_reported_in_pips_words(engine: Docker, function: Path) -> None:
    (function / "requirements.txt").write_text("--no-index\nno-such-package-at-all==1\n")

    with pytest.raises(RequirementsError, match="no-such-package-at-all"):
        build(engine, function)


def test_a_failed_build_leaves_no_container(engine: Docker, docker_client: docker.DockerClient, function: Path) -> None:
    (function / "requirements.txt").write_text("--no-index\nno-such-package-at-all==2\n")
    with pytest.raises(RequirementsError):
        build(engine, function)

    commands = [
        container.attrs["Config"]["Cmd"] for container in docker_client.containers.list(all=True, ignore_removed=True)
    ]
    assert not any("no-such-package-at-all==2" in str(command) for command in commands)


def test_a_base_image_that_is_not_there_is_an_engine_error(engine: Docker, function: Path) -> None:
    with pytest.raises(EngineError, match="no base image localhost:1/no-such-image"):
        build(engine, function, base_image="localhost:1/no-such-image:1")


def test_a_second_build_names_the_same_image_and_new_code_another(engine: Docker, function: Path) -> None:
    first, second = build(engine, function), build(engine, function)
    (function / "func.py").write_text("def handler(payload): return 2\n")
    third = build(engine, function)

    assert (first.identifier, first.tags) == (second.identifier, second.tags)
    assert third.tags[0] != first.tags[0]


def test_an_image_that_has_lost_its_name_is_deleted(
    engine: Docker, docker_client: docker.DockerClient, function: Path, function_name: str
) -> None:
    tags = (f"gaia/{function_name}:only",)
    old = build(engine, function, tags=tags)
    (function / "func.py").write_text("def handler(payload): return 2\n")

    def is_gone_after_a_build() -> bool:
        """Build: an engine prunes once at a time, and while somebody else does, the image waits for the next build."""
        build(engine, function, tags=tags)
        try:
            docker_client.images.get(old.identifier)
        except docker.errors.ImageNotFound:
            return True
        return False

    assert eventually(is_gone_after_a_build, timeout_s=60)


_BACKEND = """
import zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "greeting-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as wheel:
        wheel.write("greeting.py")
        about = "greeting-1.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\\nName: greeting\\nVersion: 1\\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{about}/RECORD", "")
    return name
"""


def test_builds_that_clean_up_at_the_same_time_do_not_fail(engine: Docker, function_name: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        pruned = [threads.submit(engine.prune, {"faas.gaia.name": function_name}) for _ in range(40)]

    assert [done.exception() for done in pruned if done.exception() is not None] == []


@pytest.mark.parametrize("line", ["*.py", "func.py", "func.*"])
def test_an_image_without_its_entry_point_is_refused(engine: Docker, function: Path, line: str) -> None:
    (function / ".dockerignore").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"func\.py, where .* begins, would not be in the image"):
        build(engine, function)
