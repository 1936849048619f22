"""What a project's tools have locked holds pip, where pip can install it as it is."""

from pathlib import Path

import pytest

from gaia_cli.errors import ConfigurationError
from gaia_cli.project.foreign.locks import locked
from gaia_cli.project.project import load_project

UV = """
version = 1

[[package]]
name = "mine"
version = "0.1.0"
source = { editable = "." }

[[package]]
name = "Flask"
version = "3.0.3"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://host/flask-3.0.3-py3-none-any.whl" }]

[[package]]
name = "torch"
version = "2.4.0+cpu"
source = { registry = "https://host/whl/cpu" }
wheels = [{ url = "https://host/torch-2.4.0%2Bcpu-cp311-cp311-linux_x86_64.whl" }]

[[package]]
name = "forked"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://host/forked-1.0-py3-none-any.whl" }]

[[package]]
name = "forked"
version = "2.0"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://host/forked-2.0-py3-none-any.whl" }]

[[package]]
name = "other"
version = "1.0"
source = { git = "https://host/other?rev=1" }
wheels = [{ url = "https://host/other-1.0-py3-none-any.whl" }]
"""
POETRY = """
[[package]]
name = "numpy"
version = "1.26.4"
files = [
    {file = "numpy-1.26.4-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", hash = "sha256:0"},
    {file = "numpy-1.26.4.tar.gz", hash = "sha256:0"},
]

[[package]]
name = "cryptography"
version = "42.0.6"
files = [{file = "cryptography-42.0.6-cp39-abi3-manylinux_2_28_x86_64.whl", hash = "sha256:0"}]

[[package]]
name = "newer"
version = "1.0"
files = [{file = "newer-1.0-cp313-abi3-manylinux_2_28_x86_64.whl"}, {file = "x"}, {file = ""}, {file = "-.whl"}]

[[package]]
name = "old"
version = "1.0"
files = [{file = "old-1.0-cp38-cp38-manylinux1_x86_64.whl", hash = "sha256:0"}, {file = "old-1.0.tar.gz"}]

[[package]]
name = "windows"
version = "1.0"
files = [{file = "windows-1.0-cp312-cp312-win_amd64.whl"}]

[[package]]
name = "six"
version = "1.16.0"

[metadata.files]
six = [{file = "six-1.16.0-py2.py3-none-any.whl"}]
"""


def test_versions_of_uv_hold_but_those_from_elsewhere_and_those_of_forks(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(UV)

    assert locked(tmp_path, "3.11") == ("flask==3.0.3",)


@pytest.mark.parametrize("name", ["poetry.lock", "pdm.lock"])
def test_a_version_holds_where_it_has_a_wheel_for_the_python(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(POETRY)

    assert locked(tmp_path, "3.12") == ("numpy==1.26.4", "cryptography==42.0.6", "six==1.16.0")
    assert locked(tmp_path, "3.11") == ("cryptography==42.0.6", "six==1.16.0")


@pytest.mark.parametrize(
    "text", ["package = 3\n", "[[package]]\nname = 3\nversion = []\nfiles = 1\nsource = 2\n", "x = 1\n"]
)
def test_what_is_no_list_of_packages_holds_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "uv.lock").write_text(text)

    assert locked(tmp_path, "3.11") == ()


def test_a_lock_file_that_is_no_toml_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("[[")

    with pytest.raises(ConfigurationError, match=r"uv\.lock: not readable"):
        locked(tmp_path, "3.11")


def test_locks_hold_the_dependencies_of_pyproject_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(UV)
    (tmp_path / "func.py").write_text("def handler(payload): ...\n")
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["flask"]\n')
    assert load_project(tmp_path).requirements.constraints == ("flask==3.0.3",)

    (tmp_path / "requirements.txt").write_text("flask\n")
    assert not load_project(tmp_path).requirements.constraints
