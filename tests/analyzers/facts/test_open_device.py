"""A device that inference could not tell in time was read all the same: no failure, and no reason to say `cpu`."""

from pathlib import Path

import pytest

from analyzers import analyze
from analyzers.findings import Finding, Place, Signal
from analyzers.verdict.verdict import decide
from runtime_images.policy.model import ExecutionMode

OPEN = Finding("GA905", Place("func.py", 3), "what this device may be is too entangled", 0.0, Signal.OPEN)
PINNED = Finding("GA201", Place("func.py", 2), "pinned", 3.0, Signal.NEEDS_GPU)


def test_an_open_device_beside_a_pinned_one_leaves_the_verdict_as_it_is() -> None:
    assert decide([PINNED, OPEN], complete=True) == decide([PINNED], complete=True)


def test_an_open_device_alone_forbids_to_say_that_no_gpu_is_used() -> None:
    assert decide([], complete=True).mode is ExecutionMode.CPU
    assert decide([OPEN], complete=True).mode is ExecutionMode.CPU_PREFERRED


def test_an_open_device_is_told_but_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzers.facts.stage2.MAX_INFERENCES", 3)
    code = "import torch\nclass A:\n    d = 'cuda'\nclass B(A): pass\nb = B()\ndef handler(payload):\n"
    (tmp_path / "func.py").write_text(code + "    return torch.zeros(1).to(b.d)\n", "utf-8")

    analysis = analyze(tmp_path)

    assert analysis.failures == ()
    assert "GA905" in {finding.rule for finding in analysis.findings}
    assert analysis.mode is not ExecutionMode.CPU
