from pathlib import Path

import pytest

from analyzers.calibration import PRIOR
from analyzers.findings import Finding, Place, Signal
from analyzers.verdict.verdict import decide
from runtime_images.policy.model import ExecutionMode
from tests.analyzers.support import analysis_of, mode_of


def _finding(weight: float, signal: Signal, rule: str = "GA101", line: int = 1) -> Finding:
    return Finding(rule, Place("func.py", line), "something", weight, signal)


def test_without_any_finding_it_is_cpu() -> None:
    verdict = decide([])

    assert verdict.mode is ExecutionMode.CPU
    assert verdict.reason == "nothing in it can use a GPU"


def test_work_alone_never_makes_a_gpu_of_use() -> None:
    assert decide([_finding(1.5, Signal.WORK)]).mode is ExecutionMode.CPU
    assert decide([_finding(9.0, Signal.WORK)]).mode is ExecutionMode.CPU_PREFERRED


def test_a_need_decides_whatever_else_there_is() -> None:
    light = [_finding(-9.0, Signal.SPEAKS_FOR_CPU, f"GA60{n}") for n in range(1, 4)]

    assert decide([*light, _finding(4.0, Signal.NEEDS_GPU)]).mode is ExecutionMode.GPU


def test_the_amount_of_work_decides_where_to_begin() -> None:
    able = _finding(0.0, Signal.CAN_USE_GPU)
    enough = _finding(-PRIOR + 0.1, Signal.WORK, "GA402")
    too_little = _finding(-PRIOR - 0.1, Signal.WORK, "GA402")

    assert decide([able, enough]).mode is ExecutionMode.GPU_PREFERRED
    assert decide([able, too_little]).mode is ExecutionMode.CPU_PREFERRED


def test_ten_findings_of_one_rule_count_once() -> None:
    able = _finding(0.0, Signal.CAN_USE_GPU)
    many = [_finding(0.5, Signal.WORK, "GA402", line) for line in range(10)]

    assert decide([able, *many]).mode is ExecutionMode.CPU_PREFERRED
    assert decide([able, *many]) == decide([able, many[0]])


def test_more_evidence_makes_more_confident() -> None:
    able = _finding(0.0, Signal.CAN_USE_GPU)
    scores = [decide([able, _finding(weight, Signal.WORK, "GA402")]).confidence for weight in (2.0, 3.0, 5.0)]

    assert scores == sorted(scores)
    assert all(0.5 <= score < 1 for score in scores)


def test_the_reason_names_the_place_that_decides(tmp_path: Path) -> None:
    analysis = analysis_of(tmp_path, 'import torch\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda")\n')

    assert analysis.reason.startswith("it needs a GPU")
    assert analysis.reason.endswith("(func.py:4)")


def test_a_guard_or_an_import_is_never_called_work() -> None:
    guard, heavy = _finding(1.0, Signal.CAN_USE_GPU, "GA202"), _finding(0.9, Signal.WORK, "GA402")
    light = [_finding(-1.0, Signal.SPEAKS_FOR_CPU, "GA601"), _finding(0.0, Signal.CAN_USE_GPU, "GA102")]

    assert decide([guard]).reason == "it runs on both, and more speaks for a GPU: something (func.py:1)"
    assert "the work is large enough" in decide([_finding(0.0, Signal.CAN_USE_GPU), heavy]).reason
    assert decide(light).reason == "it runs on both, and more speaks for a CPU: something (func.py:1)"


_GUARDED = 'device = torch.device("cuda" if torch.cuda.is_available() else "cpu")\n'
_RESNET = (
    "import torch\nfrom torchvision import models\n"
    + _GUARDED
    + "net = models.resnet18(weights='DEFAULT').to(device)\n\n"
    "def handler(picture):\n    return net(torch.tensor(picture).unsqueeze(0).to(device))\n"
)
_VIT_IN_BATCHES = (
    "import torch\nimport torchvision.models as models\n" + _GUARDED + "net = models.vit_l_16().to(device)\n\n"
    "def handler(payload):\n    batch = 128\n    return net(torch.randn(batch, 3, 224, 224).to(device)).shape\n"
)
_SMALL_LLM = (
    "import torch\nfrom transformers import pipeline\n\n"
    "pipe = pipeline('text-generation', model='TinyLlama/TinyLlama-1.1B-Chat-v1.0',\n"
    "    device_map='auto' if torch.cuda.is_available() else None)\n\ndef handler(text):\n    return pipe(text)\n"
)
_SMALL_BERT = (
    "import torch\nfrom transformers import AutoModelForSequenceClassification\n"
    + _GUARDED
    + "NAME = 'org/bert-base-multilingual'\n"
    "model = AutoModelForSequenceClassification.from_pretrained(NAME).to(device)\n\n"
    "def handler(text):\n    return model(text)\n"
)

CODE_BY_MODE = {
    ExecutionMode.CPU: [
        "def handler(payload):\n    return {}\n",
        "import time\n\ndef handler(payload):\n    time.sleep(payload['s'])\n",
        (
            "import numpy as np\n\ndef handler(payload):\n    n = payload['n']\n"
            "    return float((np.ones((n, n)) @ np.ones((n, n))).sum())\n"
        ),
        "import sklearn.linear_model, pandas\n\ndef handler(payload):\n    return 1\n",
        (
            "from openai import OpenAI\n\ndef handler(p):\n"
            "    return OpenAI().chat.completions.create(model='llama-3-70b', messages=[])\n"
        ),
        (
            "import onnxruntime as ort\n\ns = ort.InferenceSession('m.onnx')\n\ndef handler(payload):\n"
            "    return s.run(None, payload)\n"
        ),
    ],
    ExecutionMode.CPU_PREFERRED: [
        _RESNET,
        _SMALL_BERT,
        "import torch\n\ndef handler(payload):\n    return 1\n",
        (
            "from transformers import pipeline\n\np = pipeline('sentiment-analysis')\n\n"
            "def handler(payload):\n    return p(payload)\n"
        ),
        (
            "import torch\n\ndef handler(payload):\n    n = payload['n']\n"
            "    d = 'cuda' if torch.cuda.is_available() else 'cpu'\n"
            "    a = torch.rand(n, n, device=d)\n    return float((a @ a).sum())\n"
        ),
        (
            "from sentence_transformers import SentenceTransformer\n\n"
            "m = SentenceTransformer('all-MiniLM-L6-v2')\n\ndef handler(p):\n    return m.encode(p)\n"
        ),
    ],
    ExecutionMode.GPU_PREFERRED: [
        _VIT_IN_BATCHES,
        _SMALL_LLM,
        (
            "from diffusers import DiffusionPipeline\n\n"
            "p = DiffusionPipeline.from_pretrained('stabilityai/sdxl-turbo')\n\ndef handler(x):\n"
            "    return p(x)\n"
        ),
        (
            "from transformers import AutoModelForCausalLM\n\nMODEL = 'mistralai/Mistral-7B-v0.1'\n"
            "m = AutoModelForCausalLM.from_pretrained(MODEL)\n\ndef handler(x):\n    return m.generate(x)\n"
        ),
        "import whisper\n\nm = whisper.load_model('large-v3')\n\ndef handler(x):\n    return m.transcribe(x)\n",
        (
            "from transformers import AutoModel\n\n"
            "m = AutoModel.from_pretrained('x', device_map='auto')\n\ndef handler(x):\n    return m(x)\n"
        ),
    ],
    ExecutionMode.GPU: [
        "from vllm import LLM\n\nllm = LLM('x')\n\ndef handler(x):\n    return llm.generate(x)\n",
        "from numba import cuda\n\n@cuda.jit\ndef kernel(a):\n    pass\n\ndef handler(x):\n    kernel[1, 1](x)\n",
        "import tensorflow as tf\n\ndef handler(x):\n    with tf.device('/GPU:0'):\n        return 1\n",
    ],
}


@pytest.mark.parametrize(("mode", "code"), [(mode, code) for mode, codes in CODE_BY_MODE.items() for code in codes])
def test_small_functions_get_the_mode_that_a_person_would_choose(
    mode: ExecutionMode, code: str, tmp_path: Path
) -> None:
    assert mode_of(tmp_path, code) is mode


def test_a_suppressed_finding_does_not_count(tmp_path: Path) -> None:
    code = 'import torch\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda"){}\n'

    assert (
        mode_of(tmp_path / "a", code.format("  # gaia: ignore[GA201] only in the laboratory"))
        is ExecutionMode.CPU_PREFERRED
    )
    assert mode_of(tmp_path / "b", code.format("  # noqa: E501, GA201")) is ExecutionMode.CPU_PREFERRED
    assert mode_of(tmp_path / "c", code.format("  # noqa")) is ExecutionMode.GPU
    assert mode_of(tmp_path / "d", code.format("  # noqa: GA202")) is ExecutionMode.GPU
