import re
from pathlib import Path

from analyzers import Analysis, analyze
from runtime_images.policy.model import Slo
from tests.analyzers.support import analysis_of, project


def _sentences(analysis: Analysis) -> tuple[str, ...]:
    return tuple(alternative.sentence for alternative in analysis.alternatives)


_GUARD = 'device = "cuda" if torch.cuda.is_available() else "cpu"\n'


def test_a_pinned_device_says_what_a_guard_would_change(tmp_path: Path) -> None:
    analysis = analysis_of(tmp_path, "import torch\n\ndef handler(payload):\n    return torch.zeros(3).cuda()\n")

    assert _sentences(analysis) == (
        "Guard func.py:4 with torch.cuda.is_available() and the mode becomes cpu_preferred",
    )


def test_several_needs_count_together(tmp_path: Path) -> None:
    analysis = analysis_of(tmp_path, "import torch\na = torch.zeros(3).cuda()\nb = torch.zeros(3).cuda()\n")

    (sentence,) = _sentences(analysis)
    assert sentence.startswith("Guard func.py:2 and func.py:3 with torch.cuda.is_available()")


def test_needs_in_many_places_are_no_small_change(tmp_path: Path) -> None:
    code = "import torch\n" + "x = torch.zeros(3).cuda()\n" * 4

    assert analysis_of(tmp_path, code).alternatives == ()


def test_work_that_tips_the_scale_is_named(tmp_path: Path) -> None:
    code = "import torch\nx = torch.rand(128, 3, 224, 224)\n"

    analysis = analysis_of(tmp_path, code)

    assert "Remove func.py:2 and the mode becomes cpu_preferred" in _sentences(analysis)


def test_a_small_model_says_what_a_large_one_would_change(tmp_path: Path) -> None:
    code = "from transformers import pipeline\np = pipeline('fill-mask', model='bert-110m')\n"

    analysis = analysis_of(tmp_path, code)

    assert _sentences(analysis) == (
        "Load a model of a billion parameters at func.py:2 and the mode becomes gpu_preferred",
        "Remove func.py:1 and the mode becomes cpu",
    )


def test_plain_code_has_no_alternative(tmp_path: Path) -> None:
    assert analysis_of(tmp_path, "def handler(payload):\n    return 1\n").alternatives == ()


def test_an_import_is_no_work_that_could_be_left_out(tmp_path: Path) -> None:
    code = "import torch\nfrom transformers import AutoModel\nmodel = AutoModel.from_pretrained('gemma-2b')\n"

    analysis = analysis_of(tmp_path, code)

    assert analysis.mode == "gpu_preferred"
    assert _sentences(analysis) == ("Remove func.py:3 and the mode becomes cpu_preferred",)


def test_a_prediction_that_decides_says_from_which_slo_on_it_would_not(tmp_path: Path) -> None:
    code = (
        "import torch\n"
        + _GUARD
        + "from transformers import AutoModel\nmodel = AutoModel.from_pretrained('bert-110m')\n"
    )
    root = project(tmp_path, func_py=code)

    (strict,) = analyze(root, slo=Slo(latency_p95_ms=100.0)).alternatives
    (found,) = re.findall(r"relax the SLO to (\d+) ms or more", strict.condition)
    assert strict.mode == "cpu_preferred"
    assert analyze(root, slo=Slo(latency_p95_ms=float(found) + 1)).mode == "cpu_preferred"
    assert analyze(root, slo=Slo(latency_p95_ms=float(found) - 1)).mode == "gpu_preferred"

    loose = analyze(root, slo=Slo(latency_p95_ms=10_000.0)).alternatives
    assert f"Tighten the SLO below {found} ms and the mode becomes gpu_preferred" in [one.sentence for one in loose]
    assert not any("SLO" in one.condition for one in analyze(root).alternatives)


def test_a_function_that_refuses_a_cpu_is_told_what_to_remove(tmp_path: Path) -> None:
    analysis = analysis_of(tmp_path, "import torch\nassert torch.cuda.is_available()\n")

    assert _sentences(analysis) == ("Remove func.py:2 and the mode becomes cpu_preferred",)


def test_a_refusal_that_keeps_a_placement_from_failing_is_not_to_be_removed_alone(tmp_path: Path) -> None:
    refusing = 'import torch\nif not torch.cuda.is_available():\n    raise RuntimeError("needs a GPU")\n'

    assert _sentences(analysis_of(tmp_path, f'{refusing}x = torch.ones(1).to("cuda")\n')) == ()


def test_without_pytorch_the_guard_is_a_test_for_a_gpu(tmp_path: Path) -> None:
    analysis = analysis_of(tmp_path, "import numba.cuda\nnumba.cuda.to_device([1])\n")

    assert all("with a test for a GPU" in sentence for sentence in _sentences(analysis))
