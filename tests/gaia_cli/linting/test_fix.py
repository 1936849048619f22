import ast
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.facts.contexts.reading import read_contexts
from analyzers.facts.model import Facts
from analyzers.facts.stage1 import extract
from analyzers.project.model import Source
from analyzers.rules.behaviour import Behaviour
from analyzers.rules.examination import examine, switchability_rules, tying_rules
from gaia_cli.linting.fixing import FIXABLE, Fixed, fix

pytest.importorskip("libcst", reason="libcst is in the extra 'fix': pip install 'gaia-faas[fix]'")


def fixed(code: str) -> Fixed:
    return fix(code.encode(), "func.py", FIXABLE)


def text_of(code: str) -> str:
    return fixed(code).source.decode()


def devices_found(code: str) -> int:
    source = Source("func.py", "func", code, ast.parse(code))
    files, _ = extract([source], ())
    behaviour = Behaviour(Facts(files), read_contexts([source]), tying_rules)
    return sum(finding.rule == "GA701" for finding in examine(switchability_rules(), behaviour))


GUARDED = '"cuda" if torch.cuda.is_available() else "cpu"'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('x = torch.zeros(3).to("cuda")', f"x = torch.zeros(3).to({GUARDED})"),
        ('x = torch.zeros(3, device="cuda")', f"x = torch.zeros(3, device={GUARDED})"),
        ("x = torch.zeros(3).cuda()", f"x = torch.zeros(3).to({GUARDED})"),
        ('device = "cuda"', f"device = {GUARDED}"),
        ('d = torch.device("cuda")', f"d = torch.device({GUARDED})"),
        (
            'def f(x, device="cuda"):\n    return x.to(device)\nf(y)',
            f"def f(x, device={GUARDED}):\n    return x.to(device)\nf(y)",
        ),
        (
            "x = torch.zeros(3, device='cuda:1')",
            "x = torch.zeros(3, device='cuda:1' if torch.cuda.is_available() else 'cpu')",
        ),
    ],
)
def test_a_device_is_guarded(before: str, after: str) -> None:
    assert text_of(f"import torch\n{before}\n") == f"import torch\n{after}\n"


def test_the_name_under_which_pytorch_is_imported_is_used() -> None:
    code = 'import torch as th\nx = th.zeros(3, device="cuda")\n'

    assert 'device="cuda" if th.cuda.is_available() else "cpu"' in text_of(code)


def test_an_import_in_the_same_function_is_enough() -> None:
    code = 'def handler(payload):\n    import torch\n    return torch.zeros(3, device="cuda")\n'

    assert GUARDED in text_of(code)


@pytest.mark.parametrize(
    "code",
    [
        'from transformers import AutoModel\nm = AutoModel.from_pretrained("a").to("cuda")\n',
        'try:\n    import torch\nexcept ImportError:\n    torch = None\nx = torch.zeros(3, device="cuda")\n',
        'def f():\n    import torch\ndef g(x):\n    from torch import nn\n    return x.to("cuda")\n',
        'import torch\ndef f(torch, x):\n    return x.to("cuda")\n',
        'import torch\ndef f(x, device="cuda"):\n    return x.to(device)\n',
        'import transformers\ndef f(x, device="cuda"):\n    return x.to(device)\nimport torch\n',
        "import torch\nx = thing.cuda()\n",
        'import torch\nx = torch.zeros(3, device="cuda" ":0")\n',
        'import torch\nx = torch.zeros(3, device=f"cuda:{index}")\n',
        'import torch\nfrom multiprocessing import Pool\nx = torch.zeros(3, device="cuda")\n',
        'import torch\nx = torch.zeros(3, device="cuda", dtype=torch.float16)\n',
        'import torch\nwith torch.autocast("cuda"):\n    pass\n',
        'import torch\nassert device == "cuda"\n',
        'import torch\nx = torch.zeros(3).to("cuda")  # gaia: ignore[GA701] the platform promises a GPU\n',
        'import torch\nx = torch.zeros(3).to("cuda"\n',
        "",
    ],
)
def test_what_is_not_certainly_safe_stays_as_it_is(code: str) -> None:
    assert fixed(code) == Fixed(code.encode())


def test_everything_else_stays_byte_for_byte() -> None:
    before = (
        b"\xef\xbb\xbf# -*- coding: utf-8 -*-\r\nimport torch\t# \xc3\xa4\r\n\r\n"
        b"def f( x ):\r\n\ty = x.to( \"cuda\" , non_blocking = True ) ; z = '\xc3\xb6'\r\n\treturn y  \r\n"
    )
    after = before.replace(b'"cuda"', GUARDED.encode())

    assert fix(before, "func.py", FIXABLE) == Fixed(after, ("GA701",))


def test_other_encodings_are_kept() -> None:
    before = '# coding: latin-1\nimport torch\nname = "\xe9"; x = torch.zeros(3, device="cuda")\n'.encode("latin-1")

    assert fix(before, "func.py", FIXABLE).source == before.replace(b'"cuda"', GUARDED.encode())


def test_only_the_rules_that_are_asked_for_are_fixed() -> None:
    code = b'import torch\nx = torch.zeros(3, device="cuda")\n'

    assert fix(code, "func.py", frozenset({"GA702"})) == Fixed(code)


def test_each_place_is_counted() -> None:
    code = 'import torch\ndevice = "cuda"\nx = torch.zeros(3).cuda()\ny = x.to("cuda:0")\n'

    assert fixed(code).applied == ("GA701", "GA701", "GA701")


def test_code_that_is_nested_too_deeply_is_left_alone() -> None:
    code = f'import torch\nx = torch.zeros(3, device="cuda")\ny = {"-" * 3000}1\n'

    assert fixed(code).source in (code.encode(), text_of(code).encode())


_PLACES = st.sampled_from(
    [
        'device = "cuda"',
        "DEVICE: str = 'cuda:0'",
        'model = torch.nn.Linear(2, 2).to("cuda")',
        "weights = torch.ones(2, 2).cuda()",
        'state = torch.load("m.pt", map_location="cuda")  # a comment',
        'with torch.device("cuda"):\n    inside = torch.zeros(1)',
        'class Model:\n    device = "cuda"\n    def run(self):\n        return torch.zeros(1).to(self.device)',
        "def put(x, device = 'cuda'):\n    return x.to( device )",
        'settings = {"device": "cuda", "other": 1}',
        "async def handler(payload):\n    return [torch.tensor(row).cuda() for row in payload]",
        'text = "cuda"',
        'pass  # torch.zeros(1, device="cuda")',
    ]
)


@settings(max_examples=60)
@given(st.lists(_PLACES, max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_fixing_twice_is_fixing_once_and_leaves_nothing_to_find(places: list[str], newline: str, bom: bool) -> None:
    code = "\n".join(["import torch", *places, ""]).replace("\n", newline)
    before = code.encode("utf-8-sig" if bom else "utf-8")

    once = fix(before, "func.py", FIXABLE)
    twice = fix(once.source, "func.py", FIXABLE)

    assert twice == Fixed(once.source)
    assert len(once.applied) == devices_found(code)
    assert devices_found(once.source.decode("utf-8-sig")) == 0
    assert once.source.count(newline.encode()) == before.count(newline.encode())


def test_the_examples_of_the_rule_are_fixed_as_far_as_they_import_pytorch() -> None:
    from analyzers.rules.switchability.hard_coded_device import RULE

    for example in RULE.matches:
        expected = 0 if "import torch" not in example else 1
        assert (len(fixed(example).applied) > 0) == bool(expected), example


def test_a_missing_library_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "libcst.py").write_text("raise ImportError('not here')\n")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from gaia_cli.errors import EngineError\n"
        "from gaia_cli.linting.fixing import FIXABLE, fix\n"
        "assert fix(b'import torch', 'a.py', FIXABLE).applied == ()\n"
        "try:\n    fix(b'import torch\\nx = torch.zeros(1).cuda()\\n', 'a.py', FIXABLE)\n"
        "except EngineError as error:\n    print(error.message, error.hint)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "libcst" in ran.stdout
    assert "gaia-faas[fix]" in ran.stdout


PINNED_CELL = 'x = torch.zeros(3).to("cuda")  # é\n'
GUARDED_CELL = f"x = torch.zeros(3).to({GUARDED})  # é\n"


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("indent", [1, None])
@pytest.mark.parametrize("split", [True, False], ids=["lines", "one string"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_notebook_is_fixed_as_it_is_written(
    ending: str, ascii_only: bool, indent: int | None, split: bool, bom: bytes
) -> None:
    def written(cell: str) -> bytes:
        code = f"%time\nimport torch\n{cell}%time\n".replace("\n", ending)
        source = code.splitlines(keepends=True) if split else code
        content = {"cells": [{"cell_type": "code", "outputs": [cell], "source": source}]}
        return bom + json.dumps(content, indent=indent, ensure_ascii=ascii_only).encode()

    outputs = written(PINNED_CELL)
    expected = written(GUARDED_CELL).replace(
        json.dumps(GUARDED_CELL, ensure_ascii=ascii_only).encode(),
        json.dumps(PINNED_CELL, ensure_ascii=ascii_only).encode(),
        1,
    )
    after = fix(outputs, "a.ipynb", FIXABLE)

    assert after == Fixed(expected, ("GA701",))
    assert fix(after.source, "a.ipynb", FIXABLE) == Fixed(expected)


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"cells": 3}', b"\xff", b'{"cells": [{"cell_type": "code", "source": "\\ud800 cuda"}]}']
)
def test_what_is_no_notebook_stays(data: bytes) -> None:
    assert fix(data, "a.ipynb", FIXABLE) == Fixed(data)


def test_a_line_in_pieces_is_left_alone() -> None:
    pieces = ["import torch\n", *PINNED_CELL]
    data = json.dumps({"cells": [{"cell_type": "code", "source": pieces}]}).encode()

    assert fix(data, "a.ipynb", FIXABLE) == Fixed(data)
