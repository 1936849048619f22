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

    assert _sentences(analysis) == ("`cpu_preferred` instead of `gpu` if func.py:4 was done only where there is a GPU",)


def test_several_needs_count_together(tmp_path: Path) -> None:
    analysis = analysis_of(tmp_path, "import torch\na = torch.zeros(3).cuda()\nb = torch.zeros(3).cuda()\n")

    (sentence,) = _sentences(analysis)
    assert sentence.endswith("if func.py:2 and func.py:3 were done only where there is a GPU")


def test_needs_in_many_places_are_no_small_change(tmp_path: Path) -> None:
    code = "import torch\n" + "x = torch.zeros(3).cuda()\n" * 4

    assert analysis_of(tmp_path, code).alternatives == ()


def test_work_that_tips_the_scale_is_named(tmp_path: Path) -> None:
    code = "import torch\nx = torch.rand(128, 3, 224, 224)\n"

    analysis = analysis_of(tmp_path, code)

    assert "`cpu_preferred` instead of `gpu_preferred` without func.py:2" in _sentences(analysis)


def test_a_small_model_says_what_a_large_one_would_change(tmp_path: Path) -> None:
    code = "from transformers import pipeline\np = pipeline('fill-mask', model='bert-110m')\n"

    analysis = analysis_of(tmp_path, code)

    assert _sentences(analysis) == (
        "`gpu_preferred` instead of `cpu_preferred` if the model at func.py:2 had a billion parameters",
        "`cpu` instead of `cpu_preferred` without func.py:1",
    )


def test_plain_code_has_no_alternative(tmp_path: Path) -> None:
    assert analysis_of(tmp_path, "def handler(payload):\n    return 1\n").alternatives == ()


def test_an_import_is_no_work_that_could_be_left_out(tmp_path: Path) -> None:
    code = "import torch\nfrom transformers import AutoModel\nmodel = AutoModel.from_pretrained('gemma-2b')\n"

    analysis = analysis_of(tmp_path, code)

    assert analysis.mode == "gpu_preferred"
    assert _sentences(analysis) == ("`cpu_preferred` instead of `gpu_preferred` without func.py:3",)


def test_a_prediction_that_decides_says_from_which_slo_on_it_would_not(tmp_path: Path) -> None:
    code = (
        "import torch\n"
        + _GUARD
        + "from transformers import AutoModel\nmodel = AutoModel.from_pretrained('bert-110m')\n"
    )
    root = project(tmp_path, func_py=code)

    (strict,) = analyze(root, slo=Slo(latency_p95_ms=100.0)).alternatives
    (found,) = re.findall(r"if the SLO were (\d+) ms or more", strict.condition)
    assert strict.mode == "cpu_preferred"
    assert analyze(root, slo=Slo(latency_p95_ms=float(found) + 1)).mode == "cpu_preferred"
    assert analyze(root, slo=Slo(latency_p95_ms=float(found) - 1)).mode == "gpu_preferred"

    loose = analyze(root, slo=Slo(latency_p95_ms=10_000.0)).alternatives
    assert f"`gpu_preferred` instead of `cpu_preferred` if the SLO were below {found} ms" in [
        one.sentence for one in loose
    ]
    assert not any("SLO" in one.condition for one in analyze(root).alternatives)
