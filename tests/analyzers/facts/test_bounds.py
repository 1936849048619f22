"""What is known of a name, a value or a condition is bounded, so that a file costs no more than its length."""

import ast
import time
from pathlib import Path

import pytest

from analyzers import FileResult, lint
from analyzers.facts.model import Items, Known, Unknown
from analyzers.facts.scopes.model import MOST_MEANINGS
from analyzers.facts.scopes.walk import read_scopes
from analyzers.facts.values.operations import bounded, known
from analyzers.findings import LONGEST_MESSAGE, RULE_FAILED
from analyzers.linting.suppression import suppressions
from analyzers.project.model import Source
from tests.analyzers.support import project

N = 2_000
_T = "import torch\n"

HOSTILE = {
    "a name bound again and again": "x = 'cuda'\n" + "x = x + 'a'\n" * N + "torch.zeros(1).to(x)\n" * N,
    "dicts in dicts": "d = {}\n" + "".join(f"d = {{**d, 'k{n}': {n}}}\n" for n in range(N)) + "torch.x.to(d['k'])\n",
    "lists that double": "a0 = (1, 2)\n"
    + "".join(f"a{n} = (a{n - 1}, a{n - 1})\n" for n in range(1, 60))
    + "b = a59 if c else 1\ntorch.zeros(b).cuda()\n",
    "arrays that double": "a0 = torch.zeros(1)\n"
    + "".join(f"a{n} = torch.zeros(a{n - 1}, a{n - 1})\n" for n in range(1, 60))
    + "b = a59 if c else 1\nb.to('cuda')\n",
    "a hexadecimal number in a text": f"torch.zeros(1).to(f'cuda:{{0x{'f' * 9_000}}}')\n",
    "a product of hexadecimal numbers": f"x = 0x{'f' * 9_000}\n"
    "torch.zeros((x,) * 4000).cuda()\ntorch.zeros(x, x) @ x\n",
    "infinite sizes": "torch.zeros(1e999).cuda()\n"
    "x = torch.zeros(float('nan'), float('inf'))\nx @ x\nm(batch_size=1e999)\n",
    "a name of thousands of parts": "x = torch" + ".a" * 2_000 + "\n" + "x.b.cuda()\n" * N,
    "an import of thousands of parts": "import a" + ".b" * 8_000 + "\n",
}


def _linted(root: Path, code: str) -> FileResult:
    project(root, {"func.py": _T + code})
    (result,) = lint(["func.py"], root=root)
    return result


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_linted_at_once_and_no_rule_fails(tmp_path: Path, code: str) -> None:
    began = time.process_time()

    result = _linted(tmp_path, code)

    assert time.process_time() - began < 5
    assert RULE_FAILED not in {finding.rule for finding in result.findings}


def test_a_message_is_never_longer_than_anybody_reads(tmp_path: Path) -> None:
    result = _linted(tmp_path, "x = 'cuda:" + "0" * 50_000 + "'\n" + "torch.zeros(1).to(x)\n" * 3)

    assert all(len(finding.message) <= LONGEST_MESSAGE for finding in result.findings)


def test_meanings_and_conditions_stay_few() -> None:
    text = "def f(d):\n" + "    if d: return d\n" * N + "x = 1\n" * N
    found = read_scopes(Source("func.py", "func", text, ast.parse(text), True), skip_main=False)

    function = found.top.bindings["f"][0].scope
    assert len(found.top.bindings["x"]) == MOST_MEANINGS
    assert len(function.returns) == N
    assert max(len(conditions) for _, conditions in function.returns) <= 100


def test_what_is_beyond_bounds_is_unknown() -> None:
    twice = Items((Known(1), Known(2)))
    for _ in range(40):
        twice = Items((twice, twice))

    assert isinstance(bounded(twice), Unknown)
    assert bounded(Items((Known(1),))) == Items((Known(1),))
    assert isinstance(known(float("nan")), Unknown)
    assert isinstance(known(1 << 80), Unknown)
    assert known(True) == Known(True)


def test_comments_are_looked_for_up_to_what_is_no_python() -> None:
    began = time.process_time()

    assert len(suppressions("func.py", "x = 1  # noqa: GA201\n" + '"' + '\\"' * 20_000)) == 1
    assert time.process_time() - began < 1
