from pathlib import Path

import pytest

from analyzers import AnalyzerError, analyze
from runtime_images.policy.model import ExecutionMode
from tests.analyzers.support import project

_PLAIN = "def handler(payload):\n    return 1\n"
_CUDA = 'import torch\nx = torch.zeros(3).to("cuda")\n'


def test_code_that_the_entry_point_does_not_reach_says_nothing(tmp_path: Path) -> None:
    root = project(tmp_path, {"tests/test_func.py": _CUDA}, func_py=_PLAIN, train_py=_CUDA, unused_py=_CUDA)

    analysis = analyze(root)

    assert analysis.files == ("func.py",)
    assert analysis.mode is ExecutionMode.CPU


def test_a_training_script_counts_when_it_is_reached(tmp_path: Path) -> None:
    root = project(tmp_path, func_py="import train\n" + _PLAIN, train_py=_CUDA)

    assert analyze(root).mode is ExecutionMode.GPU


@pytest.mark.parametrize(
    ("entry", "files"),
    [
        ("import lib.deep", {"lib/__init__.py": "", "lib/deep.py": _CUDA}),
        ("from lib import deep", {"lib/__init__.py": "", "lib/deep.py": _CUDA}),
        ("from lib.deep import x", {"lib/deep.py": _CUDA}),
        ("import lib", {"lib/__init__.py": "from .deep import x\n", "lib/deep.py": _CUDA}),
        ("import lib", {"lib/__init__.py": "from . import deep\n", "lib/deep.py": _CUDA}),
        ("import lib.a.b", {"lib/a/b.py": "from ..c import x\n", "lib/c.py": _CUDA}),
        ("import model", {"src/model.py": _CUDA}),
        ("def load():\n    import model\n", {"model.py": _CUDA}),
        ("try:\n    import model\nexcept ImportError:\n    pass\n", {"model.py": _CUDA}),
    ],
)
def test_imports_are_followed_in_every_form(entry: str, files: dict[str, str], tmp_path: Path) -> None:
    root = project(tmp_path, func_py=f"{entry}\n{_PLAIN}", files=files)

    assert analyze(root).mode is ExecutionMode.GPU


def test_a_module_beside_a_nested_entry_point_is_found(tmp_path: Path) -> None:
    root = project(tmp_path, {"function/func.py": "from model import x\n" + _PLAIN, "function/model.py": _CUDA})

    assert analyze(root).mode is ExecutionMode.GPU


@pytest.mark.parametrize(
    "entry",
    [
        'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_of_mine.settings")\n',
        'MIDDLEWARE = ["site_of_mine.settings.Middleware"]\n',
        'import uvicorn\nuvicorn.run("site_of_mine.settings:app")\n',
        'from importlib import import_module\nimport_module("site_of_mine.settings")\n',
    ],
)
def test_modules_that_a_text_names_are_followed(entry: str, tmp_path: Path) -> None:
    files = {"site_of_mine/settings.py": "", "site_of_mine/train.py": ""}
    root = project(tmp_path, func_py=entry + _PLAIN, files=files)

    assert analyze(root).files == ("func.py", "site_of_mine/settings.py")


def test_a_text_that_only_looks_like_a_module_names_none(tmp_path: Path) -> None:
    names = 'NAMES = ["train.py", "train.model", "train", "Train.x"]\n'
    root = project(tmp_path, func_py=names + _PLAIN, files={"train.py": ""})

    assert analyze(root).files == ("func.py",)


def test_imports_from_above_the_package_of_the_entry_point_are_followed(tmp_path: Path) -> None:
    package = {"backend/app/__init__.py": "", "backend/app/model.py": _CUDA}
    root = project(tmp_path, {"backend/app/main.py": "from app.model import x\n" + _PLAIN, **package})

    assert analyze(root, entrypoint="backend/app/main.py").mode is ExecutionMode.GPU


def test_without_an_entry_point_every_file_but_tests_and_training_is_read(tmp_path: Path) -> None:
    root = project(
        tmp_path, predict_py="import torch\n", util_py="x = 1\n", train_py=_CUDA, test_it_py=_CUDA, setup_py=_CUDA
    )

    analysis = analyze(root)

    assert analysis.entry == ""
    assert analysis.files == ("predict.py", "util.py")


def test_two_entry_points_are_both_read(tmp_path: Path) -> None:
    root = project(tmp_path, func_py=_PLAIN, main_py=_CUDA + _PLAIN)

    assert analyze(root).files == ("func.py", "main.py")


def test_the_named_entry_point_is_the_start(tmp_path: Path) -> None:
    root = project(tmp_path, serve_py=_CUDA + _PLAIN, func_py=_PLAIN)

    assert analyze(root, entrypoint="serve.py:handler").mode is ExecutionMode.GPU
    with pytest.raises(AnalyzerError, match="does not define"):
        analyze(root, entrypoint="serve.py:missing")
    with pytest.raises(AnalyzerError, match="not a file"):
        analyze(root, entrypoint="../serve.py")


def test_a_single_file_is_a_function(tmp_path: Path) -> None:
    root = project(tmp_path, model_py=_CUDA, other_py="import model\n", third_py=_CUDA)

    assert analyze(root / "other.py").files == ("model.py", "other.py")


def test_environments_and_hidden_directories_are_not_the_function(tmp_path: Path) -> None:
    root = project(tmp_path, predict_py="x = 1\n")
    for directory in (".venv", "venv", "node_modules", "lib/site-packages", ".git"):
        project(root / directory, torch_py=_CUDA)

    assert analyze(root).files == ("predict.py",)


def test_dependency_lists_are_evidence_with_their_lines(tmp_path: Path) -> None:
    root = project(
        tmp_path,
        func_py="import torch\n" + _PLAIN,
        requirements_txt="# ours\nnumpy\n--extra-index-url https://example.org/whl/cu121\ntorch==2.3.0+cu121  # GPU\n",
        pyproject_toml='[project]\nname = "x"\ndependencies = [\n  "flash-attn>=2",\n]\n',
    )
    (root / "requirements-dev.txt").write_text("bitsandbytes\n")
    (root / "requirements-gpu.txt").write_text("cupy-cuda12x\n")

    places = {(evidence.rule, evidence.path, evidence.line) for evidence in analyze(root).evidence}

    assert {
        ("GA103", "requirements.txt", 3),
        ("GA103", "requirements.txt", 4),
        ("GA101", "pyproject.toml", 4),
    } <= places
    assert ("GA101", "requirements-gpu.txt", 1) in places
    assert not any(path == "requirements-dev.txt" for _, path, _ in places)


def test_the_same_code_gives_the_same_analysis(tmp_path: Path) -> None:
    files = {"func.py": "import lib\n" + _PLAIN, "lib.py": _CUDA}
    first, second = analyze(project(tmp_path / "a", files)), analyze(project(tmp_path / "b", files))

    assert (first.verdict, first.findings, first.files) == (second.verdict, second.findings, second.files)
