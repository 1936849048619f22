"""What only matters in a worker is no finding in a file that no worker loads: a program, a test, a notebook."""

from pathlib import Path

import pytest

from analyzers import lint
from tests.analyzers.support import project
from tests.support.notebooks import notebook

_SEEDS = "import numpy as np\nimport torch\n\nnp.random.seed(2)\ntorch.save(np.arange(3), 'data.pt')\n"
_THREADS = "import torch\n\ntorch.set_num_threads(8)\nprint(torch.ones(3).sum())\n"
_STARTS = (
    "import torch\nfrom argparse import ArgumentParser\n\nargs = ArgumentParser().parse_args()\n"
    "model = torch.nn.Linear(2, 2).to('cuda' if torch.cuda.is_available() else 'cpu')\n"
)
_VISIBLE = "import os\nimport torch\n\nos.environ['CUDA_VISIBLE_DEVICES'] = '1'\nprint(torch.ones(3))\n"
_MAIN = (
    "import torch\n\ntorch.manual_seed(0)\n\n\ndef main():\n    print(torch.rand(3))\n\n\n"
    "if __name__ == '__main__':\n    main()\n"
)
_LOOP = "import asyncio\nimport time\nimport torch\n\n\nasync def main():\n    time.sleep(1)\n\n\nasyncio.run(main())\n"
_PROGRAMS = {"seeds": _SEEDS, "threads": _THREADS, "starts": _STARTS, "visible": _VISIBLE, "main": _MAIN, "loop": _LOOP}
_HANDLER = "\n\ndef handler(payload):\n    return payload\n"


def _codes(root: Path, path: str, *, evidence: bool = False, cache: Path | None = None) -> list[str]:
    (result,) = lint([path], root=root, evidence=evidence, cache_dir=cache)
    return [finding.rule for finding in result.findings]


@pytest.mark.parametrize("code", _PROGRAMS.values(), ids=_PROGRAMS)
def test_a_program_that_nothing_imports_may_do_at_its_top_what_a_worker_may_not(tmp_path: Path, code: str) -> None:
    project(tmp_path, {"make.py": code, "other.py": "import json\nmake = json.dumps(1)\n"})

    assert _codes(tmp_path, "make.py") == []


@pytest.mark.parametrize("code", _PROGRAMS.values(), ids=_PROGRAMS)
@pytest.mark.parametrize(
    ("path", "importer"),
    [
        ("make.py", {"func.py": "import make\n"}),
        ("make.py", {"deep/func.py": "from make import model\n"}),
        ("jobs/make.py", {"func.py": "from jobs import (\n    other,  # first\n    make as it,\n)\n"}),
        ("lib/jobs/make.py", {"app/func.py": "def f():\n    import os, jobs.make as make\n"}),
        ("jobs/make.py", {"jobs/func.py": "from . import make\n"}),
        ("jobs/make.py", {"jobs/deep/func.py": "from ..make import model\r\n"}),
        ("src/make.py", {"tools/func.py": "from make import \\\n    model\n"}),
    ],
)
def test_what_a_file_imports_it_does_for_whoever_imports_it(
    tmp_path: Path, code: str, path: str, importer: dict[str, str]
) -> None:
    project(tmp_path, {path: code, **{name: text + _HANDLER for name, text in importer.items()}})

    assert len(_codes(tmp_path, path)) == 1


def test_a_notebook_imports_as_well_as_a_module_does(tmp_path: Path) -> None:
    project(tmp_path, {"make.py": _STARTS, "demo.ipynb": notebook("import os\nfrom make import model\n")})

    assert _codes(tmp_path, "make.py") == ["GA702"]


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("make.py", {"tests/test_make.py": "import make\n"}),
        ("make.py", {"test_make.py": "from make import model\n"}),
        ("jobs/make.py", {"other/func.py": "import make\n"}),
        ("jobs/make.py", {"func.py": "from other.make import model\n"}),
        ("make.py", {"func.py": "text = 'import make'\n"}),
        ("make.py", {".venv/lib/func.py": "import make\n"}),
        ("make.py", {"make.txt": "import make\n"}),
    ],
)
def test_no_test_and_no_module_of_the_same_name_makes_a_worker_of_a_program(
    tmp_path: Path, path: str, other: dict[str, str]
) -> None:
    project(tmp_path, {path: _SEEDS, **other})

    assert _codes(tmp_path, path) == []


@pytest.mark.parametrize(
    "served",
    [
        _HANDLER,
        "\nfrom fastapi import FastAPI\napp = FastAPI()\n",
        "\nimport runpod\nrunpod.serverless.start({'handler': print})\n",
        "\ndef init():\n    pass\n\ndef run(data):\n    return data\n",
        "\nclass EndpointHandler:\n    def __call__(self, data):\n        return data\n",
        "\nclass Predictor:\n    def predict(self, data):\n        return data\n",
    ],
)
def test_what_takes_requests_is_no_program(tmp_path: Path, served: str) -> None:
    project(tmp_path, {"make.py": _SEEDS + served})

    assert _codes(tmp_path, "make.py") == ["GA707"]


@pytest.mark.parametrize("path", ["tests/helper.py", "a/test/helper.py", "test_func.py", "func_test.py", "conftest.py"])
def test_nothing_serves_a_test(tmp_path: Path, path: str) -> None:
    project(tmp_path, {path: _SEEDS + _HANDLER, "func.py": "from tests import helper\n"})

    assert _codes(tmp_path, path) == []
    assert "GA902" not in _codes(tmp_path, path, evidence=True)


_COMMAND = (
    "import argparse\nimport torch\n\n\ndef NAME(path):\n    net = torch.load('m.pt')\n    torch.manual_seed(0)\n"
    "    return net(path)\n\n\ndef main():\n    args = argparse.ArgumentParser().parse_args()\n    NAME(args.path)\n"
    "\n\nif __name__ == '__main__':\n    main()\n"
)


@pytest.mark.parametrize("name", ["predict", "infer", "inference"])
def test_a_command_that_predicts_is_a_program(tmp_path: Path, name: str) -> None:
    code = _COMMAND.replace("NAME", name)
    imported = {"jobs/it.py": code, "jobs/func.py": "from it import main\n"}
    project(
        tmp_path, {"make.py": code, "func.py": code.replace("argparse.ArgumentParser().parse_args()", "1"), **imported}
    )

    assert _codes(tmp_path, "make.py") == []
    assert "GA709" in _codes(tmp_path, "func.py")
    assert "GA709" in _codes(tmp_path, "jobs/it.py")


def test_a_handler_with_a_command_to_try_it_serves(tmp_path: Path) -> None:
    project(tmp_path, {"make.py": _COMMAND.replace("NAME", "handler")})

    assert "GA709" in _codes(tmp_path, "make.py")


def test_a_page_of_gradio_is_a_program(tmp_path: Path) -> None:
    project(tmp_path, {"webui.py": f"import gradio as gr\n{_SEEDS}gr.Interface(print).launch()\n"})

    assert _codes(tmp_path, "webui.py") == []


@pytest.mark.parametrize("path", ["kernels/cuda/turbo.py", "model_cudagraph.py", "cuda_utils.py"])
def test_a_file_that_says_in_its_name_that_it_is_for_cuda_hard_codes_nothing(tmp_path: Path, path: str) -> None:
    project(tmp_path, {path: "import torch\nmodel = torch.nn.Linear(2, 2).to('cuda')\n"})

    assert _codes(tmp_path, path) == []


def test_a_device_is_hard_coded_in_a_program_too(tmp_path: Path) -> None:
    project(tmp_path, {"make.py": "import torch\nmodel = torch.nn.Linear(2, 2).to('cuda')\n"})

    assert _codes(tmp_path, "make.py") == ["GA701"]


def test_what_reads_its_command_line_at_its_top_is_a_program_whatever_it_serves(tmp_path: Path) -> None:
    served = "\nfrom fastapi import FastAPI\napp = FastAPI()\n@app.post('/')\ndef post(x):\n    return x\n"
    project(
        tmp_path, {"make.py": _STARTS + served, "func.py": _STARTS.replace("args =", "def f():\n    return") + served}
    )

    assert _codes(tmp_path, "make.py") == []
    assert _codes(tmp_path, "func.py") == ["GA702"]


def test_a_notebook_may_choose_its_gpus_and_wait(tmp_path: Path) -> None:
    waits = "import time, torch\nasync def ask(x):\n    time.sleep(1)\nawait ask(1)\n"
    project(tmp_path, {"demo.ipynb": notebook(_VISIBLE), "loop.ipynb": notebook(waits)})

    assert _codes(tmp_path, "demo.ipynb") == []
    assert _codes(tmp_path, "loop.ipynb") == []


def test_a_program_is_one_until_something_imports_it_also_from_the_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    project(tmp_path, {"make.py": _SEEDS})

    assert _codes(tmp_path, "make.py", cache=cache) == []
    assert _codes(tmp_path, "make.py", cache=cache) == []
    project(tmp_path, {"func.py": "import make\n" + _HANDLER})
    assert _codes(tmp_path, "make.py", cache=cache) == ["GA707"]
    assert _codes(tmp_path, "make.py", cache=cache) == ["GA707"]
    project(tmp_path, {"func.py": "import json\n"})
    assert _codes(tmp_path, "make.py", cache=cache) == []


@pytest.mark.parametrize(
    ("test", "runs_on_import"),
    [
        ("if '__main__' == __name__:", False),
        ("if __name__ in ('__main__', ):", False),
        ("if __name__ == '__main__' and torch:", False),
        ("if not __name__ != '__main__':", False),
        ("if not torch:\n    pass\nelif __name__ == '__main__':", False),
        ("if __name__ != '__main__':\n    pass\nelse:", False),
        ("if __name__ != '__main__':", True),
        ("if __name__ not in {'__main__'}:", True),
        ("if __name__ == 'func':", True),
        ("if __name__ == '__main__' or torch:", True),
        ("if __name__ == '__main__':\n    pass\nelse:", True),
        ("if __name__ == '__main__':\n    pass\nelif torch:", True),
    ],
)
def test_the_main_block_is_known_by_what_its_test_means(tmp_path: Path, test: str, runs_on_import: bool) -> None:
    project(tmp_path, {"func.py": f"import torch\n{test}\n    torch.manual_seed(0)\n{_HANDLER}"})

    assert _codes(tmp_path, "func.py") == (["GA707"] if runs_on_import else [])
