"""Which imports a zygote may do ahead: those that Python itself would do before the function does anything else."""

from pathlib import Path

import pytest

from runtime_images.dynamic_runtime.worker.forking.preloading import Import, Step, Variable, steps
from tests.support.serving import write_function

END = "\ndef handler(payload): ...\n"


def libraries(directory: Path) -> list[str]:
    """The modules that are imported ahead, in order."""
    found: list[Step] = steps(directory, "")
    return [step.module for step in found if isinstance(step, Import) and not step.name]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch, numpy.linalg\nfrom PIL import Image", ["torch", "numpy.linalg", "PIL"]),
        ('"""Text."""\nfrom __future__ import annotations\nimport torch', ["torch"]),
        ("import os\nos.environ['OMP_NUM_THREADS'] = '1'\nimport torch", ["os", "torch"]),
        ("import os\nos.environ.setdefault('HF_HOME', '/models')\nimport torch", ["os", "torch"]),
        ("import os\nos.environ['CUDA_VISIBLE_DEVICES'] = '0'\nimport torch", ["os"]),
        ("import os\nos.environ['HOME'] = os.getcwd()\nimport torch", ["os"]),
        ("import sys\nsys.path.append('lib')\nimport torch", ["sys"]),
        ("import logging\nLOG = logging.getLogger(__name__)\nLIMIT = 3\nimport torch", ["logging", "torch"]),
        ("MODEL = load()\nimport torch", []),
        ("try:\n    import orjson\nexcept ImportError:\n    import json\nimport torch", ["orjson", "torch"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas\nimport torch", ["typing", "torch"]),
        ("import os\nif os.getenv('FAST'):\n    import cupy\nimport torch", ["os"]),
        ("def load():\n    import lazy\nclass Model: ...\nimport torch", ["torch"]),
    ],
)
def test_imports_count_until_the_code_does_anything_else(tmp_path: Path, source: str, expected: list[str]) -> None:
    write_function(tmp_path, source + END)

    assert libraries(tmp_path) == expected


def test_own_modules_are_followed_and_never_imported(tmp_path: Path) -> None:
    write_function(tmp_path, "import helpers\nfrom package import model\nimport last" + END)
    write_function(tmp_path, "import first\nimport func\n", "helpers.py")
    write_function(tmp_path, "from . import sizes\n", "package/__init__.py")
    write_function(tmp_path, "import second\n", "package/sizes.py")
    write_function(tmp_path, "import third\nfrom .sizes import SMALL\n", "package/model.py")

    assert libraries(tmp_path) == ["first", "second", "third", "last"]


def test_an_effect_in_an_own_module_ends_the_list_for_all(tmp_path: Path) -> None:
    write_function(tmp_path, "import helpers\nimport torch" + END)
    write_function(tmp_path, "import os\nos.umask(0)\n", "helpers.py")

    assert libraries(tmp_path) == ["os"]


def test_a_function_that_cannot_be_read_has_nothing_imported_ahead(tmp_path: Path) -> None:
    assert libraries(tmp_path) == []
    assert libraries(write_function(tmp_path, "import torch\ndef handler(:\n")) == []


def test_own_modules_beside_the_entry_point_are_followed_too(tmp_path: Path) -> None:
    write_function(tmp_path, "import model\nfrom parts import one\nimport last" + END, "src/main.py")
    write_function(tmp_path, "import first\n", "src/model.py")
    write_function(tmp_path, "import second\n", "src/parts/one.py")

    assert libraries(tmp_path) == ["first", "second", "last"]


def test_variables_are_set_and_names_taken_where_the_function_does_so(tmp_path: Path) -> None:
    first = "import os\nos.environ.setdefault('A', '1')\nfrom PIL import Image, ImageOps"
    source = f"{first}\nos.environ['B'] = '2'\nimport torch"

    assert steps(write_function(tmp_path, source + END), "") == [
        Import("os"), Variable("A", "1", gives_way=True), Import("PIL"), Import("PIL", "Image"),
        Import("PIL", "ImageOps"), Variable("B", "2"), Import("torch"),
    ]  # fmt: skip
