"""Weights are made as sparse files: they have a size and take no room."""

from pathlib import Path

import pytest

from analyzers import Analysis, analyze
from analyzers.project.beside.assets import read_assets
from runtime_images.policy.model import ExecutionMode
from tests.analyzers.support import project

_LOADS = "import torch\ndef handler(payload):\n    return torch.load(payload['path'])\n"
_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"


def _weights(path: Path, gigabytes: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(int(gigabytes * 1e9))


def _messages(analysis: Analysis) -> list[str]:
    return [finding.message for finding in analysis.findings if finding.rule == "GA503"]


def test_large_weights_are_evidence_of_large_work(tmp_path: Path) -> None:
    root = project(tmp_path, func_py=_LOADS)
    assert analyze(root).mode is ExecutionMode.CPU_PREFERRED

    _weights(root / "models" / "model.safetensors", 4.3)
    analysis = analyze(root)

    assert analysis.mode is ExecutionMode.GPU_PREFERRED
    assert _messages(analysis) == ["models/model.safetensors holds 4.3 GB of weights, about 2.15 billion parameters"]
    assert "models/model.safetensors:1" in analysis.reason


def test_a_pointer_of_git_lfs_counts_as_the_file_that_it_stands_for(tmp_path: Path) -> None:
    root = project(tmp_path, func_py=_LOADS)
    (root / "model.safetensors").write_text(_POINTER.format(oid="0" * 64, size=4_300_000_000))

    assert read_assets(root)[0].bytes == 4_300_000_000
    assert analyze(root).mode is ExecutionMode.GPU_PREFERRED


def test_the_parts_of_one_model_count_together(tmp_path: Path) -> None:
    root = project(tmp_path, func_py=_LOADS)
    for number in (1, 2, 3):
        _weights(root / f"model-0000{number}-of-00003.safetensors", 0.4)

    (asset,) = read_assets(root)
    assert (asset.path, asset.bytes) == ("model-00001-of-00003.safetensors", 1_200_000_000)


def test_weights_beside_a_nested_entry_point_are_found_and_others_are_not(tmp_path: Path) -> None:
    for name in ("function/model.pt", "data/model.pt", "function/values.bin"):
        _weights(tmp_path / name, 1)

    assert [asset.path for asset in read_assets(tmp_path, "function/func.py")] == ["function/model.pt"]


@pytest.mark.parametrize("name", ["model.pt", "data.bin"])
def test_small_files_and_files_about_something_else_say_nothing(tmp_path: Path, name: str) -> None:
    root = project(tmp_path, func_py=_LOADS)
    _weights(root / name, 0.1)

    assert _messages(analyze(root)) == []


def test_links_and_directories_are_no_weights(tmp_path: Path) -> None:
    _weights(tmp_path / "elsewhere" / "model.pt", 4)
    root = project(tmp_path / "function", func_py=_LOADS)
    (root / "model.pt").symlink_to(tmp_path / "elsewhere" / "model.pt")
    (root / "model.onnx").mkdir()

    assert read_assets(root) == ()


@pytest.mark.parametrize("text", ["", _POINTER.format(oid="", size="x" * 30), _POINTER.format(oid="", size="9" * 40)])
def test_a_pointer_that_states_no_size_has_its_own(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.safetensors").write_text(text)

    assert [asset.bytes for asset in read_assets(tmp_path)] == [len(text)]


def test_a_kernel_in_a_file_of_its_own_can_use_a_gpu(tmp_path: Path) -> None:
    root = project(tmp_path, {"func.py": "def handler(payload):\n    return payload\n", "csrc/add.cu": "// CUDA\n"})

    assert analyze(root).mode is ExecutionMode.GPU_PREFERRED
