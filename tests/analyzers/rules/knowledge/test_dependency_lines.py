"""What a dependency list says depends on what the code imports of it."""

from pathlib import Path

import pytest

from analyzers import analyze
from runtime_images.policy.model import ExecutionMode
from tests.analyzers.support import project

_FREEZE = "requests==2.31.0\ntorch==2.1.0\nnvidia-cublas-cu12==12.1.3.1\nnvidia-nccl-cu12==2.19.3\n"
_TORCH = "import torch\nnet = torch.nn.Linear(3, 3)\ndef handler(x):\n    return net(x)\n"


def _mode(root: Path, requirements: str, code: str) -> ExecutionMode:
    return analyze(project(root, {"requirements.txt": requirements, "main.py": code})).mode


@pytest.mark.parametrize("library", ["requests", "sklearn.svm", "numpy", "json"])
def test_what_is_installed_says_nothing_of_code_that_imports_none_of_it(library: str, tmp_path: Path) -> None:
    assert _mode(tmp_path, _FREEZE, f"import {library}\n") is ExecutionMode.CPU


@pytest.mark.parametrize(
    "code",
    ["import torch\n", "import zeroscratches\n", "import onnxruntime\n", "import subprocess\nsubprocess.run(['x'])\n"],
    ids=["framework", "unknown library", "runtime that CUDA's packages are for", "program"],
)
def test_what_is_installed_counts_where_something_may_use_it(code: str, tmp_path: Path) -> None:
    assert _mode(tmp_path, _FREEZE, code) is ExecutionMode.GPU_PREFERRED


def test_what_code_installs_for_an_image_counts_though_it_is_imported_by_name(tmp_path: Path) -> None:
    code = "import modal\nimage = modal.Image.debian_slim().pip_install('torch')\n"

    assert _mode(tmp_path, "", code) is ExecutionMode.CPU_PREFERRED


def test_a_device_that_a_service_elsewhere_is_asked_for_says_nothing(tmp_path: Path) -> None:
    code = "import requests\nrequests.post('http://a', json={'device': 'cuda'})\n"

    assert _mode(tmp_path, "requests", code) is ExecutionMode.CPU


@pytest.mark.parametrize(
    "line",
    [
        "torch==2.1.0+cpu",
        "--index-url https://download.pytorch.org/whl/cpu\ntorch",
        "https://download.pytorch.org/whl/cpu/torch-1.5.0%2Bcpu-cp38-cp38-linux_x86_64.whl",
        "torch @ https://download.pytorch.org/whl/cpu/torch-2.1.0%2Bcpu-cp310-cp310-linux_x86_64.whl",
    ],
)
def test_a_build_without_cuda_rules_a_gpu_out(line: str, tmp_path: Path) -> None:
    assert _mode(tmp_path, line, _TORCH) is ExecutionMode.CPU


@pytest.mark.parametrize(
    ("requirements", "code"),
    [
        ("torch==2.1.0+cpu\n", "import tensorflow\n" + _TORCH),
        ("torch==2.1.0+cpu\nonnxruntime-gpu\n", _TORCH),
        ("tensorflow-cpu\n", _TORCH),
    ],
    ids=["another framework", "a build for CUDA beside it", "the build of another"],
)
def test_a_build_without_cuda_says_nothing_of_what_does_not_rest_on_it(
    requirements: str, code: str, tmp_path: Path
) -> None:
    assert _mode(tmp_path, requirements, code) is not ExecutionMode.CPU
