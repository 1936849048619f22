from pathlib import Path

import pytest

from analyzers.project.dependencies import read_dependencies
from analyzers.project.requirements import Requirement, joined_lines, names_files, requirement
from tests.analyzers.support import project


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Torch_Audio >=2,<3  # pinned", Requirement("torch-audio")),
        ("tensorflow[and-cuda]==2.17", Requirement("tensorflow", ("and-cuda",))),
        ("vllm @ https://example.org/vllm-0.6-cp311-cp311-linux_x86_64.whl", Requirement("vllm")),
        ("torch --hash=sha256:00", Requirement("torch")),
        ("torch (>=2.0)", Requirement("torch")),
        ("torch==2.x-nightly", Requirement("torch")),
        ('torch==2.1+cu118; platform_system != "Darwin"', Requirement("torch")),
        ('torch==2.1; sys_platform == "darwin"', None),
        ('typing; python_version < "3.5"', None),
        ('torch; extra == "gpu"', None),
        ("-e .", None),
        ("./wheels", None),
        ("", None),
    ],
)
def test_a_line_asks_for_a_package_where_functions_run(line: str, expected: Requirement | None) -> None:
    assert requirement(line) == expected


@pytest.mark.parametrize("line", ["-c limits.txt", "--editable=./lib[extra]", "../lib", "-f wheels"])
def test_the_lines_that_name_files_are_known(line: str) -> None:
    assert names_files(line)
    assert not names_files("numpy")


def test_lines_are_joined_as_pip_joins_them_and_keep_the_number_that_they_begin_on() -> None:
    text = "# torch \\\nnumpy \\\n  >=2 # arrays\n\nhttpx \\"

    assert [(line.number, line.text.split()) for line in joined_lines("r.txt", text)] == [
        (2, ["numpy", ">=2"]),
        (5, ["httpx"]),
    ]


def test_an_included_file_counts_once_and_in_its_own_place(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "-r deps/base.txt\n-r deps/base.txt\n-c limits.txt\nhttpx\n",
        "deps/base.txt": "-r ../requirements.txt\ntorch==2.1\n",
        "limits.txt": "vllm==0.6\n",
    }
    found = read_dependencies(project(tmp_path, files)).stated

    assert [(one.name, one.place.path, one.place.line) for one in found] == [
        ("torch", "deps/base.txt", 2),
        ("httpx", "requirements.txt", 4),
    ]


@pytest.mark.parametrize("included", ["../outside.txt", "/etc/hostname", "deps/link.txt", "absent.txt"])
def test_no_file_outside_of_the_project_is_read(tmp_path: Path, included: str) -> None:
    (tmp_path / "outside.txt").write_text("torch\n")
    root = project(tmp_path / "function", {"requirements.txt": f"-r {included}\nhttpx\n", "deps/base.txt": ""})
    (root / "deps" / "link.txt").symlink_to(tmp_path / "outside.txt")

    assert [found.name for found in read_dependencies(root).stated] == ["httpx"]
