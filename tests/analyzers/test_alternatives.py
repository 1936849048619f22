from pathlib import Path

from analyzers import Analysis
from tests.analyzers.support import analysis_of


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
    code = "import torch\n" + _GUARD + "x = torch.rand(128, 3, 224, 224, device=device)\n"

    analysis = analysis_of(tmp_path, code)

    assert "`cpu_preferred` instead of `gpu_preferred` without func.py:3" in _sentences(analysis)


def test_a_small_model_says_what_a_large_one_would_change(tmp_path: Path) -> None:
    code = "from transformers import pipeline\np = pipeline('fill-mask', model='bert-110m')\n"

    analysis = analysis_of(tmp_path, code)

    assert _sentences(analysis) == (
        "`gpu_preferred` instead of `cpu_preferred` if the model at func.py:2 had a billion parameters",
        "`cpu` instead of `cpu_preferred` without func.py:1",
    )


def test_plain_code_has_no_alternative(tmp_path: Path) -> None:
    assert analysis_of(tmp_path, "def handler(payload):\n    return 1\n").alternatives == ()
