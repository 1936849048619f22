import random
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from analyzers.calibration import CEILING, FLOOR, confidence, gpu_probability
from runtime_images.policy.model import ExecutionMode
from tests.analyzers.support import project

_SCRIPT = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[3] / "scripts" / "fit_verdict.py")))


def test_the_probability_of_a_gpu_grows_with_the_sum_and_never_overflows() -> None:
    probabilities = [gpu_probability(score) for score in (-1e9, -3.0, 0.0, 3.0, 1e9)]

    assert probabilities == sorted(probabilities)
    assert 0 <= probabilities[0] < probabilities[-1] <= 1


@pytest.mark.parametrize(("probability", "stated"), [(0.2, FLOOR), (0.5, 0.5), (0.876, 0.88), (1.0, CEILING)])
def test_a_confidence_is_never_below_a_coin_and_never_certain(probability: float, stated: float) -> None:
    assert confidence(probability) == stated


def test_confidence_that_keeps_its_word_has_no_calibration_error() -> None:
    kept = [(0.75, True), (0.75, True), (0.75, True), (0.75, False)]

    assert _SCRIPT.calibration_error(kept) == 0
    assert _SCRIPT.calibration_error([(0.9, False)] * 5) == pytest.approx(0.9)


def test_the_fit_finds_the_threshold_and_the_slope_that_made_the_data() -> None:
    chance = random.Random(1)  # noqa: S311 -- the same points in every run, and no secret
    totals = [chance.uniform(-2, 5) for _ in range(4000)]
    examples = [
        _SCRIPT.Example(
            source="s",
            on_gpu=chance.random() < _SCRIPT.logistic(1.2 * (total - 1.5)),
            mode=ExecutionMode.CPU_PREFERRED,
            confidence=0.5,
            total=total,
            complete=True,
            can_use_gpu=True,
        )
        for total in totals
    ]

    fitted = _SCRIPT.fit(examples)

    assert fitted.prior == pytest.approx(-1.5, abs=0.25)
    assert fitted.slope == pytest.approx(1.2, abs=0.1)
    assert fitted.slope * fitted.prior + fitted.shift == pytest.approx(-1.8, abs=0.35)


def test_the_script_reads_labels_and_copies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project(tmp_path / "copies" / "a", func_py="def handler(payload):\n    return 1\n")
    project(tmp_path / "copies" / "b", func_py="import torch\nx = torch.zeros(3).cuda()\n")
    labels = tmp_path / "labels.tsv"
    labels.write_text("id\thuman_label\tnotes\na\tcpu\tsrc=one\nb\tcpu\tsrc=two\nc\tgpu\tsrc=two\n")

    assert _SCRIPT.main([str(labels), str(tmp_path / "copies")]) == 0
    said = capsys.readouterr().out
    assert "2 functions of 2 sources: one, two" in said
    assert "accuracy 0.500, hard errors 1 = 0.500" in said


def test_the_script_says_how_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert _SCRIPT.main([]) == 2
    assert "LABELS.tsv" in capsys.readouterr().out
