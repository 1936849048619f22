"""Nobody of a project changes copied code, or wants a CPU where work is started by hand or a GPU has been asked for."""

import json
from pathlib import Path

import pytest

from analyzers import lint
from tests.analyzers.support import project
from tests.support.notebooks import notebook

_HARD = "import torch\n\n\ndef put(x):\n    return torch.tensor(x).to('cuda')\n"
_WAITS = "import time\nimport torch\n\n\nasync def handler(payload):\n    time.sleep(1)\n"


def _codes(root: Path, path: str) -> list[str]:
    (result,) = lint([path], root=root, evidence=False)
    return [finding.rule for finding in result.findings]


@pytest.mark.parametrize(
    "path",
    [
        "third_party/net.py",
        "app/thirdparty/x/net.py",
        "3rdparty/net.py",
        "src/vendor/net.py",
        "pip/_vendor/net.py",
        "external/net.py",
        "extern/net.py",
        "submodules/x/net.py",
        "src/utils/dependencies/XPose/net.py",
        "app/voice/fairseq/modules/net.py",
        "plugins/basicsr/net.py",
    ],
)
def test_copied_code_is_nobodys_here(tmp_path: Path, path: str) -> None:
    project(tmp_path, {path: _HARD + _WAITS, "func.py": "import net\n"})

    assert _codes(tmp_path, path) == []


@pytest.mark.parametrize(
    "path",
    [
        "party/net.py",
        "vendors.py",
        "externally/net.py",
        "lib/net.py",
        "net_vendor.py",
        "fairseq/net.py",
        "src/fairseq/net.py",
        "app/fairseq_tools/net.py",
        "models/grounding_dino/net.py",
    ],
)
def test_a_folder_of_ones_own_is_looked_at(tmp_path: Path, path: str) -> None:
    project(tmp_path, {path: _HARD + _WAITS})

    assert _codes(tmp_path, path) == ["GA701", "GA706"]


@pytest.mark.parametrize(
    "path",
    [
        "train.py",
        "tools/pretrain_net.py",
        "finetune/net.py",
        "net/fine_tuning/a.py",
        "benchmarks/net.py",
        "bench.py",
        "eval/net.py",
        "net_evaluation.py",
        "profiler.py",
        "ops/test.py",
    ],
)
def test_what_is_started_by_hand_may_name_its_gpu(tmp_path: Path, path: str) -> None:
    waits = _WAITS.replace("def handler(", "def wait(")
    project(tmp_path, {path: _HARD + waits, "func.py": "print(1)\n"})

    assert _codes(tmp_path, path) == ["GA706"]


@pytest.mark.parametrize(
    "path", ["trains.py", "constrain/net.py", "retrieval/net.py", "workbench/net.py", "evals3d.py"]
)
def test_words_within_words_say_nothing(tmp_path: Path, path: str) -> None:
    project(tmp_path, {path: _HARD})

    assert _codes(tmp_path, path) == ["GA701"]


def test_a_service_for_training_serves(tmp_path: Path) -> None:
    project(tmp_path, {"training/app.py": f"{_HARD}\n\ndef handler(payload):\n    return put(payload)\n"})

    assert "GA701" in _codes(tmp_path, "training/app.py")


def _many(names: int, asking: int) -> dict[str, str]:
    asks = {f"asks{number}.py": "import torch\nok = torch.cuda.is_available()\n" for number in range(asking)}
    return {f"net{number}.py": _HARD for number in range(names)} | asks


@pytest.mark.parametrize(
    ("files", "loud"),
    [
        (_many(11, 0), True),
        (_many(12, 0), False),
        (_many(14, 3), True),
        (_many(15, 3), False),
        (_many(2, 0) | {f"tests/net{number}.py": _HARD for number in range(12)}, True),
        (_many(2, 0) | {f"examples/net{number}.py": _HARD for number in range(12)}, True),
    ],
)
def test_where_many_name_a_gpu_and_few_ask_a_gpu_is_meant(tmp_path: Path, files: dict[str, str], loud: bool) -> None:
    project(tmp_path, files)

    assert _codes(tmp_path, "net0.py") == (["GA701"] if loud else [])


@pytest.mark.parametrize(
    ("files", "loud"),
    [
        ({"requirements.txt": "vllm\n", "engine.py": "from vllm import LLM\n"}, False),
        ({"requirements.txt": "flash-attn\n", "engine.py": "import flash_attn\n"}, False),
        ({"pyproject.toml": "[project]\ndependencies = ['triton']\n", "engine.py": "import triton\n"}, False),
        ({"pyproject.toml": "[project.optional-dependencies]\nx = ['triton']\n", "engine.py": "import triton\n"}, True),
        ({"requirements.txt": "vllm\n", "engine.py": "try:\n    import vllm\nexcept ImportError:\n    pass\n"}, True),
        ({"requirements.txt": "vllm\n"}, True),
        ({"requirements.txt": "bitsandbytes\n", "engine.py": "import bitsandbytes\n"}, True),
        ({"engine.py": "import vllm\n"}, True),
        ({"requirements.txt": "vllm\n", "examples/engine.py": "import vllm\n"}, True),
        (
            {"requirements.txt": "vllm\n", "engine.py": "import vllm\n"}
            | {f"part{number}.py": "import json\n" for number in range(9)},
            True,
        ),
    ],
)
def test_a_library_that_all_needs_makes_a_project_one_for_gpus(
    tmp_path: Path, files: dict[str, str], loud: bool
) -> None:
    project(tmp_path, {"net.py": _HARD, **files})

    assert _codes(tmp_path, "net.py") == (["GA701"] if loud else [])


def test_a_neighbour_of_the_repository_says_nothing_of_it(tmp_path: Path) -> None:
    project(tmp_path, {f"theirs/{name}": text for name, text in _many(12, 0).items()} | {"mine/net0.py": _HARD})
    (tmp_path / "mine/.git").mkdir()

    assert _codes(tmp_path, "mine/net0.py") == ["GA701"]
    assert _codes(tmp_path, "theirs/net0.py") == []


def test_what_waits_is_found_in_a_project_for_gpus_too(tmp_path: Path) -> None:
    project(tmp_path, {"net.py": _HARD + _WAITS, **_many(12, 0)})

    assert _codes(tmp_path, "net.py") == ["GA706"]


@pytest.mark.parametrize(
    ("decorator", "loud"),
    [
        ("@app.function(gpu='A100')", False),
        ("@app.cls(image=image, gpu=modal.gpu.A10G())", False),
        ("@endpoint(cpu=1, gpu=GPU)", False),
        ("@ray.remote(num_gpus=1)", False),
        ("@serve.deployment(ray_actor_options={'num_gpus': 0.5})", False),
        ("@bentoml.service(resources={'gpu': 1})", False),
        ("@ray.remote(num_gpus=0)", True),
        ("@app.function(gpu=None)", True),
        ("@bentoml.service(resources={'cpu': 1})", True),
        ("@app.function()", True),
    ],
)
def test_where_the_platform_is_asked_for_a_gpu_there_is_one(tmp_path: Path, decorator: str, loud: bool) -> None:
    function = f"import torch\n\n\n{decorator}\ndef run(x):\n    return torch.tensor(x).to('cuda')\n"
    method = (
        f"import torch\n\n\n{decorator}\nclass Net:\n    def run(self, x):\n        return torch.tensor(x).to('cuda')\n"
    )
    project(tmp_path, {"func.py": function, "net.py": method, "both.py": f"{_HARD}{function}"})

    assert _codes(tmp_path, "func.py") == (["GA701"] if loud else [])
    assert _codes(tmp_path, "net.py") == (["GA701"] if loud else [])
    assert _codes(tmp_path, "both.py") == (["GA701", "GA701"] if loud else ["GA701"])


def test_a_main_block_that_tries_a_network_out_may_do_so_on_a_gpu(tmp_path: Path) -> None:
    code = "import torch\nif __name__ == '__main__':\n    net = torch.nn.Linear(2, 2).cuda()\n    print(net(GIVEN))\n"
    project(
        tmp_path, {"tries.py": code.replace("GIVEN", "torch.randn(1, 2)"), "runs.py": code.replace("GIVEN", "read()")}
    )

    assert _codes(tmp_path, "tries.py") == []
    assert _codes(tmp_path, "runs.py") == ["GA701"]


@pytest.mark.parametrize(("accelerator", "loud"), [("GPU", False), ("TPU", True), ("None", True)])
def test_a_notebook_that_asks_for_a_gpu_has_one(tmp_path: Path, accelerator: str, loud: bool) -> None:
    content = json.loads(notebook(_HARD))
    content["metadata"]["accelerator"] = accelerator
    project(tmp_path, {"demo.ipynb": json.dumps(content, indent=1)})

    assert _codes(tmp_path, "demo.ipynb") == (["GA701"] if loud else [])


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_notebook_is_one_without_cells(tmp_path: Path, text: str) -> None:
    project(tmp_path, {"demo.ipynb": text})

    assert _codes(tmp_path, "demo.ipynb") == []


@pytest.mark.parametrize("path", ["net.py", "demo.ipynb"])
def test_a_pointer_of_git_lfs_is_said_to_be_one(tmp_path: Path, path: str) -> None:
    project(tmp_path, {path: "version https://git-lfs.github.com/spec/v1\noid sha256:0630d9cd\nsize 69\n"})

    (result,) = lint([path], root=tmp_path)

    assert [finding.rule for finding in result.findings] == ["GA903"]
    assert "git lfs pull" in result.findings[0].message


def test_a_page_of_streamlit_is_a_program(tmp_path: Path) -> None:
    net = "import torch\nnet = torch.nn.Linear(2, 2).cuda()\n"
    page = f"import streamlit as st\n{net}\n\ndef predict(x):\n    return net(x)\n"
    project(tmp_path, {"page.py": page, "app.py": page.replace("import streamlit as st\n", "")})

    assert "GA702" not in _codes(tmp_path, "page.py")
    assert "GA702" in _codes(tmp_path, "app.py")
