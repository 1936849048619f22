"""Which imports a zygote may do ahead: those that Python itself would do before the function does anything else."""

from pathlib import Path

import pytest

from runtime_images.dynamic_runtime.worker.forking.preloading import libraries
from tests.support.serving import write_function

END = "\ndef handler(payload): ...\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch, numpy.linalg\nfrom PIL import Image", ["torch", "numpy.linalg", "PIL"]),
        ('"""Text."""\nfrom __future__ import annotations\nimport torch', ["torch"]),
        ("import os\nos.environ['OMP_NUM_THREADS'] = '1'\nimport torch", ["os"]),
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

    assert libraries(tmp_path, "") == expected


def test_own_modules_are_followed_and_never_imported(tmp_path: Path) -> None:
    write_function(tmp_path, "import helpers\nfrom package import model\nimport last" + END)
    write_function(tmp_path, "import first\nimport func\n", "helpers.py")
    write_function(tmp_path, "from . import sizes\n", "package/__init__.py")
    write_function(tmp_path, "import second\n", "package/sizes.py")
    write_function(tmp_path, "import third\nfrom .sizes import SMALL\n", "package/model.py")

    assert libraries(tmp_path, "") == ["first", "second", "third", "last"]


def test_an_effect_in_an_own_module_ends_the_list_for_all(tmp_path: Path) -> None:
    write_function(tmp_path, "import helpers\nimport torch" + END)
    write_function(tmp_path, "import os\nos.environ['HF_HOME'] = '/models'\n", "helpers.py")

    assert libraries(tmp_path, "") == ["os"]


def test_a_function_that_cannot_be_read_has_nothing_imported_ahead(tmp_path: Path) -> None:
    assert libraries(tmp_path, "") == []
    assert libraries(write_function(tmp_path, "import torch\ndef handler(:\n"), "") == []


def test_own_modules_beside_the_entry_point_are_followed_too(tmp_path: Path) -> None:
    write_function(tmp_path, "import model\nfrom parts import one\nimport last" + END, "src/main.py")
    write_function(tmp_path, "import first\n", "src/model.py")
    write_function(tmp_path, "import second\n", "src/parts/one.py")

    assert libraries(tmp_path, "") == ["first", "second", "last"]
