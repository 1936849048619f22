"""What a file does for whoever imports it: a finding where that serves, none where it is a command or trains."""

from pathlib import Path

import pytest

from analyzers import lint
from tests.analyzers.support import project
from tests.support.notebooks import notebook

_SEEDS = "import torch\n\ntorch.manual_seed(0)\n\n\ndef draw():\n    return torch.rand(3)\n"
_LOADS = (
    "import torch\n\n\ndef infer(config):\n    model = torch.load('model.pt')\n"
    "    with torch.no_grad():\n        return model(config.x)\n"
)
_COMMAND = "import sys\nfrom core import infer\n\n\nif __name__ == '__main__':\n    print(infer(sys.argv[1]))\n"


def _codes(root: Path, path: str) -> list[str]:
    (result,) = lint([path], root=root, evidence=False)
    return [finding.rule for finding in result.findings]


@pytest.mark.parametrize(
    ("importers", "found"),
    [
        ({"app.py": "import core\n\ndef handler(payload):\n    return core.draw()\n"}, ["GA707"]),
        ({"app.py": "import core\nfrom fastapi import FastAPI\n"}, ["GA707"]),
        ({"model.py": "import core\n", "app.py": "import model\nimport flask\n"}, ["GA707"]),
        ({"train_first.py": "import core\nclass Handler: pass\n"}, []),
        ({"model.py": "import core\n", "train.py": "import model\n"}, []),
        ({"model.py": "import core\n"}, []),
        ({"demo.ipynb": notebook("import core\nimport gradio\n")}, []),
        ({"a.py": "import core\nimport b\n", "b.py": "import a\n"}, []),
    ],
)
def test_a_seed_at_the_top_matters_where_something_that_serves_imports_it(
    tmp_path: Path, importers: dict[str, str], found: list[str]
) -> None:
    project(tmp_path, {"core.py": _SEEDS, **importers})

    assert _codes(tmp_path, "core.py") == found


@pytest.mark.parametrize(
    ("importers", "found"),
    [
        ({"run.py": _COMMAND}, []),
        ({"run.py": "from argparse import ArgumentParser\nimport core\nArgumentParser().parse_args()\n"}, []),
        ({"run.py": _COMMAND + "import fastapi\n"}, ["GA709"]),
        ({"run.py": _COMMAND.replace("print", "app.run") + "from flask import Flask\n"}, ["GA709"]),
        ({"other.py": "from core import infer\n"}, ["GA709"]),
        ({}, ["GA709"]),
    ],
)
def test_a_model_that_a_command_has_loaded_once_is_no_load_in_each_request(
    tmp_path: Path, importers: dict[str, str], found: list[str]
) -> None:
    project(tmp_path, {"core.py": _LOADS, **importers})

    assert _codes(tmp_path, "core.py") == found


def test_a_program_with_a_class_that_predicts_is_one_until_something_imports_it(tmp_path: Path) -> None:
    code = (
        "import torch\n\ntorch.nn.Linear(1, 1).to('cuda' if torch.cuda.is_available() else 'cpu')\n\n\n"
        "class Detector:\n    def predict(self, image):\n        return image\n\n\n"
    )
    main = "if __name__ == '__main__':\n    Detector().predict(1)\n"
    project(tmp_path, {"camera.py": code + main, "lens.py": code + main, "app.py": "import lens\n", "worker.py": code})

    assert _codes(tmp_path, "camera.py") == []
    assert _codes(tmp_path, "lens.py") == ["GA702"]
    assert _codes(tmp_path, "worker.py") == ["GA702"]


@pytest.mark.parametrize(
    "serves", ["from pytriton.triton import Triton\nTriton().serve()\n", "import grpc\nserver = grpc.server(None)\n"]
)
def test_a_program_with_a_server_of_its_own_may_start_cuda_at_its_top(tmp_path: Path, serves: str) -> None:
    code = (
        f"import torch\n{serves}\nmodel = torch.nn.Linear(2, 2)\n"
        "model.to('cuda' if torch.cuda.is_available() else 'cpu')\n\n\n"
        "@batch\ndef infer(x):\n    with torch.no_grad():\n        return model(x)\n\n\n"
    )
    project(tmp_path, {"server.py": code, "worker.py": code.replace(serves, "")})

    assert _codes(tmp_path, "server.py") == []
    assert _codes(tmp_path, "worker.py") == ["GA702"]
