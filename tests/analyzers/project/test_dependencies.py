from pathlib import Path

import pytest

from analyzers.project.dependencies import read_dependencies
from analyzers.project.sources import collect
from tests.analyzers.support import project

LISTS = {
    "pyproject.toml": '[project]\nname = "x"\ndependencies = ["torch==2.1"]\n',
    "Pipfile": '[packages]\ntorch = "==2.1"\n[dev-packages]\nvllm = "*"\n',
    "setup.cfg": "[options]\ninstall_requires =\n    torch==2.1\npackages = find:\n",
    "setup.py": "from setuptools import setup\nNEEDS = [\n    'torch==2.1',\n]\nsetup(install_requires=NEEDS)\n1/0\n",
    "environment.yml": "channels:\n  - nvidia\ndependencies:\n  - pip\n  - torch=2.1\n  - pip:\n    - requests\n",
    "environment.yaml": "dependencies:\n- conda-forge::torch=2.1=cpu_py310\nname: x\n",
    "cog.yaml": 'build:\n  gpu: true\n  cuda: "12.1"\n  python_packages:\n    - "torch==2.1"  # pinned\n',
    "config.yaml": "resources:\n  accelerator: A10G\n  use_gpu: true\nrequirements:\n- torch==2.1\nsecrets: {}\n",
    "cerebrium.toml": '[cerebrium.hardware]\ncompute = "AMPERE_A10"\n[cerebrium.dependencies.pip]\ntorch = "==2.1"\n',
    "bentofile.yaml": 'service: "s"\npython:\n  packages:\n    - torch==2.1\ndocker:\n  cuda_version: "12"\n',
}


@pytest.mark.parametrize("name", sorted(LISTS))
def test_each_kind_of_list_is_read_and_what_it_says_of_hardware_is_not(name: str, tmp_path: Path) -> None:
    found = read_dependencies(project(tmp_path, {name: LISTS[name]})).stated

    torch = [dependency for dependency in found if dependency.name == "torch"]
    assert len(torch) == 1
    assert torch[0].place.path == name
    assert "torch" in LISTS[name].splitlines()[torch[0].place.line - 1]
    assert {dependency.name for dependency in found} <= {"torch", "requests", "pip"}
    said = " ".join(dependency.text for dependency in found).lower()
    assert not any(word in said for word in ("cuda", "gpu", "a10", "accelerator"))


OTHER_LISTS = {
    "a folder of lists": {"requirements/prod.txt": "torch==2.1", "requirements/dev.txt": "vllm"},
    "what a list is compiled from": {"requirements.in": "torch==2.1"},
    "a file that conda names": {"environment.yml": "dependencies:\n- pip:\n  - -r r.txt\n", "r.txt": "torch==2.1"},
    "a file that cog names": {"cog.yaml": "build: {python_requirements: r.txt}\n", "r.txt": "torch==2.1"},
    "Poetry's main group": {"pyproject.toml": '[tool.poetry.group.main.dependencies]\ntorch = "2.1"\n'},
    "a group in a group": {
        "pyproject.toml": '[dependency-groups]\nserve = [{include-group = "base"}]\nbase = ["torch==2.1"]\n'
        'dev = ["vllm"]\n'
    },
    "uv's default groups": {
        "pyproject.toml": '[project]\nname = "x"\n[dependency-groups]\ngpu = ["torch==2.1"]\nx = ["vllm"]\n'
        '[tool.uv]\ndefault-groups = ["gpu", "dev"]\n'
    },
    "a sum of lists": {"setup.py": "BASE = ['torch==2.1']\nsetup(install_requires=BASE + ['numpy'])\n"},
    "a wheel's address": {"requirements.txt": "https://x.org/whl/cu118/torch-2.1%2Bcu118-cp310-cp310-linux_x86_64.whl"},
    "a script's own comment": {"main.py": "# /// script\n# dependencies = ['torch==2.1']\n# ///\n"},
}


@pytest.mark.parametrize("files", OTHER_LISTS.values(), ids=list(OTHER_LISTS))
def test_a_list_is_found_wherever_projects_keep_it(files: dict[str, str], tmp_path: Path) -> None:
    found = {one.name for one in collect(project(tmp_path, {"main.py": "x = 1\n"} | files)).dependencies}

    assert "torch" in found
    assert "vllm" not in found


def test_the_list_beside_what_a_platform_starts_is_read(tmp_path: Path) -> None:
    files = {
        "lambda/handler.py": "def lambda_handler(event, context):\n    return 1\n",
        "lambda/requirements.txt": "torch",
    }

    assert [one.name for one in collect(project(tmp_path, files)).dependencies] == ["torch"]


def test_a_constraint_counts_for_what_a_list_asks_for(tmp_path: Path) -> None:
    files = {"requirements.txt": "-c limits.txt\ntorch", "limits.txt": "torch==2.1.0+cpu\nvllm==0.6"}

    assert [one.text for one in read_dependencies(project(tmp_path, files)).stated] == ["torch", "torch==2.1.0+cpu"]


def test_a_list_in_another_encoding_is_read_as_far_as_it_goes_and_reported(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes("torch\n# f\xfcr alle\nnumpy\n".encode("latin-1"))
    read = read_dependencies(tmp_path)

    assert [one.name for one in read.stated] == ["torch", "numpy"]
    assert [(failure.rule, failure.place.line) for failure in read.failures] == [("GA903", 2)]


def test_a_list_that_says_how_it_is_encoded_is_read_so_as_pip_does(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes("# -*- coding: latin-1 -*-\ntorch  # f\xfcr alle\n".encode("latin-1"))
    read = read_dependencies(tmp_path)

    assert ([one.name for one in read.stated], read.failures) == (["torch"], ())


@pytest.mark.parametrize(
    "text",
    [
        'build: {python_packages: [torch==2.1, "vllm>=0.6"]}\n',
        "build:\n  python_packages: [\n    torch==2.1,  # pinned\n    'vllm>=0.6',\n  ]\n",
        "x: &needs\n  - torch==2.1\n  - vllm>=0.6\nbuild:\n  python_packages: *needs\n",
        "build:\n  python_packages:\n  # - tensorflow\n\n  - torch==2.1\n  - >-\n    vllm>=0.6\n  run: echo '- jax'\n",
    ],
)
def test_yaml_is_read_however_it_is_written(text: str, tmp_path: Path) -> None:
    found = read_dependencies(project(tmp_path, {"cog.yaml": text})).stated

    assert [dependency.name for dependency in found] == ["torch", "vllm"]


def test_a_list_of_yaml_that_is_no_yaml_states_nothing(tmp_path: Path) -> None:
    text = "build:\n  python_packages:\n  - torch\n\tgpu: [\n"

    assert read_dependencies(project(tmp_path, {"cog.yaml": text})).stated == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cog.yaml", "python_packages: " + "[" * 50_000),
        ("cog.yaml", "".join(" " * depth + "python_packages:\n" for depth in range(500))),
        ("cog.yaml", "python_packages: &a [*a, *a]\n"),
        ("cog.yaml", "python_packages: !!python/object/apply:os.system ['exit 1']\n---\n"),
        ("pyproject.toml", "[project"),
        ("pyproject.toml", "[project]\ndependencies = 3\n"),
        ("pyproject.toml", "project = 1\ntool = []\n"),
        ("Pipfile", "packages = 1\n"),
        ("environment.yml", "dependencies: [torch, {pip\n"),
        ("pyproject.toml", "x = " + "9" * 5000),
        ("Pipfile", "x = " + "[" * 5000),
        ("cog.yaml", "build:\n  python_packages: 7\n"),
        ("setup.cfg", "install_requires"),
        ("setup.py", "setup(install_requires=[3, NAME, *MORE])\n"),
        ("setup.py", "setup(install_requires=open('requirements.txt').read().split())\n"),
        ("setup.py", "setup(\n"),
        ("setup.py", "setup(" * 200),
        ("setup.py", "\0"),
    ],
)
def test_a_malformed_list_is_no_error(name: str, text: str, tmp_path: Path) -> None:
    assert read_dependencies(project(tmp_path, {name: text})).stated == ()


def test_an_index_of_cuda_wheels_counts_wherever_it_stands(tmp_path: Path) -> None:
    text = (
        '[[tool.uv.index]]\nurl = "https://download.pytorch.org/whl/cu124"\n# https://download.pytorch.org/whl/cu118\n'
    )
    (index,) = read_dependencies(project(tmp_path, {"pyproject.toml": text})).stated

    assert (index.name, index.place.line) == ("", 2)
    assert index.text.endswith("/whl/cu124")


def test_a_requirement_from_a_repository_is_named_after_it(tmp_path: Path) -> None:
    lines = "git+https://github.com/openai/whisper.git@main\n-e git+https://example.org/x/vllm#egg=vllm\n"

    found = read_dependencies(project(tmp_path, requirements_txt=lines)).stated

    assert [one.name for one in found] == ["whisper", "vllm"]


def test_lists_beside_a_nested_entry_point_count(tmp_path: Path) -> None:
    root = project(tmp_path, {"function/func.py": "", "function/requirements.txt": "torch\n"})

    (found,) = read_dependencies(root, "function/func.py").stated

    assert (found.name, found.place.path) == ("torch", "function/requirements.txt")


def test_an_included_list_that_is_not_there_costs_that_list_and_is_said(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r more/base.txt\nvllm\n")

    found = read_dependencies(tmp_path)

    assert [one.name for one in found.stated] == ["vllm"]
    assert [(one.rule, one.place.line, one.message) for one in found.failures] == [
        ("GA903", 1, "-r more/base.txt names a file that is not there")
    ]
