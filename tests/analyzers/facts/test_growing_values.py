"""What a few lines can spell is not written out: texts, lists and numbers that double, or are beyond all bounds."""

from pathlib import Path

import pytest

from analyzers import lint
from analyzers.facts.model import Made
from analyzers.facts.values.operations import made_by
from benchmarks.fuzz_analyzer import GAIAS_OWN
from tests.fuzz.fuzzer import Fuzzer, fault

FORTY = range(1, 41)
HUGE = "0x" + "f" * 5000


def doubling(begin: str, step: str) -> str:
    """Lines of which each names twice what the one before names."""
    return f"a0 = {begin}\n" + "".join(f"a{n} = {step.replace('@', f'a{n - 1}')}\n" for n in FORTY)


GROWING = {
    "an f-string": doubling("'cuda:0'", "f'{@}{@}'") + "torch.zeros(3).to(a40)",
    "a sum of texts": doubling("'cuda:0'", "@ + @") + "torch.zeros(3).to(a40)",
    "a list": doubling("[1, 2]", "[@, @]") + "b = a40 if x else a39\ntorch.zeros(b)",
    "a tuple of tuples": doubling("(1, 2)", "(@, @)") + "torch.zeros(*a40)\ntorch.zeros(a40)",
    "a dict": doubling("{'a': 1}", "{'a': @, 'b': @}") + "b = a40 if x else a39\ntorch.zeros(3).to(b)",
    "a list that is multiplied": "a = [0] * 4000\nb = [a] * 4000\nc = [b] * 4000\nd = c if x else b\ntorch.zeros(d)",
    "an array of arrays": doubling("torch.zeros(2)", "torch.zeros(@, @)") + "b = a40 if x else a39\ntorch.zeros(b)",
    "a choice that nests": doubling("[2, 3]", "@ if x else [@, @]") + "torch.zeros(a40)",
    "a long text in one f-string": f"a = '{'y' * 400_000}'\nb = f'{'{a}' * 300}'\ntorch.zeros(3).to(b)",
    "a number of thousands of digits in a shape": f"torch.zeros({HUGE}) @ torch.rand({HUGE}, 3)",
    "a number of thousands of digits in a text": f"torch.zeros(3).to(f'cuda:{{{HUGE}}}')",
    "dimensions whose product no float can hold": f"torch.zeros({'4000000000,' * 40})",
    "an infinite dimension": "torch.zeros(1e999, 3)\ntorch.zeros(1e999 - 1e999)",
}


class Linted(Fuzzer):
    """Lints the case as a file, in bounded time."""

    name = "linted"
    limit_s = 20.0

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def check(self, case: bytes) -> None:
        (self._directory / "func.py").write_bytes(case)
        (result,) = lint(["func.py"], root=self._directory)
        assert not [finding for finding in result.findings if finding.rule in GAIAS_OWN]
        assert all(len(finding.message) < 10_000 for finding in result.findings)


@pytest.mark.parametrize("what", GROWING)
def test_a_value_that_grows_without_end_costs_little(what: str, tmp_path: Path) -> None:
    assert fault(Linted(tmp_path), b"import torch\n" + GROWING[what].encode()) is None


def test_what_is_large_but_can_be_is_known_as_before(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text(
        "import torch\nn = 'a' + f'{1}' * 3\ntorch.zeros(100000, 100000)\ntorch.zeros(3).to(f'cuda:{0}')\n"
    )
    (result,) = lint(["func.py"], root=tmp_path)
    messages = "\n".join(finding.message for finding in result.findings)

    assert "100000 x 100000 = 10,000.0 million elements" in messages
    assert '"cuda:0"' in messages


def test_the_same_method_on_its_own_results_makes_no_longer_and_longer_name() -> None:
    assert made_by("torch.zeros") == Made("torch.zeros")
    assert made_by("numpy.asarray().copy().copy") == Made("numpy.asarray().copy().copy")
    assert made_by("numpy.asarray().copy().copy().copy") == Made("numpy.asarray().copy().copy")
