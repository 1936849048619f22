"""The law of `--fix`: fixed code parses, means the same where there is a GPU, and "cpu" where there is none."""

import ast
import re
import sys
from collections.abc import AsyncIterator, Coroutine, Generator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_cli.linting.fixing import FIXABLE, fix

pytest.importorskip("libcst", reason="libcst is in the extra 'fix': pip install 'gaia-faas[fix]'")

_DEVICES = (
    '"cuda"', "'cuda:1'", '("cuda")', 'u"cuda"', 'r"cuda"', '"""cuda"""', '"cuda:" + str(rank)',
    '("cuda:") + str(rank)', '"cuda" + ":" + str(rank)', '"cuda" ":1"', '"cuda:%d" % rank', '"cuda:{}".format(rank)',
    'f"cuda:{rank}"', '"cuda" or "cpu"', '"cuda" and "cuda:1"', '"cuda" if rank else "cuda:1"', '"cuda".strip()',
    '"cuda"[:4]', '(named := "cuda")', '["cuda"][0]', '"cuda:" + (str(rank) if rank else "0")', '"cuda:" f"{rank}"',
)  # fmt: skip
_USES = (
    "torch.zeros(3).to(DEVICE)", "torch.zeros(3).to( DEVICE )", "torch.zeros(3, device=DEVICE)",
    "torch.zeros(3).cuda()",
    "torch.zeros(3).cuda ( )", "torch.zeros(3).cuda().to(DEVICE)", "(torch.zeros(3)).to(device = DEVICE)",
    "torch.zeros(3, **{'device': DEVICE})", "torch.zeros(3).to(\n    DEVICE,\n)",
    "torch.zeros(3).to(torch.device(DEVICE))",
    "torch.zeros(3).to(*[DEVICE])", "torch.zeros(3) \\\n .to(DEVICE)",
)  # fmt: skip
_AROUND = (
    "USE", "(USE)", "[USE][0]", "(USE,)[-1]", '{"a": USE}["a"]', "(lambda: USE)()", "keep(USE)", "keep(x=USE)",
    "USE if rank else None", "USE or None", "rank and USE", "(kept := USE)", "-USE", "USE + USE",
    "[USE for _ in range(2)][1]", "[*[USE]][0]", "(lambda t=USE: t)()", 'f"{USE}"', "f'{USE}'", 'f"{USE!s:>9}"',
    'f"{keep(USE)}"', "f'''{USE}'''", 'f"{rank} {[USE]}"', '"%s" % USE', "USE is not None", "not USE",
    "[x async for x in ticks(USE)]", "await give(USE)", "(yield USE)", "[k for k in [USE] if k]", "{USE: 1}",
    "keep(*[USE])", "keep(**{'x': USE})", "1 if USE else 2", "USE if keep(USE) else USE", "keep(USE)  # as cuda",
)  # fmt: skip
_STATEMENTS = (
    "result = AROUND", "result: object = AROUND", "def work(t=AROUND):\n    return t\nresult = work()",
    "def work():\n    return AROUND\nresult = work()", "class Holder:\n    held = AROUND\nresult = Holder.held",
    "device = 'cuda'\nresult = AROUND, torch.zeros(1).to(device)", "if AROUND: result = 1\nelse: result = 2",
    "match AROUND:\n    case result: pass", "match 1:\n    case 1 if AROUND: result = 1\n    case _: result = 2",
    "@keep\ndef work(t: 'a cuda' = AROUND) -> 'cuda':\n    return t\nresult = work()", "result = [AROUND]; del rank",
    "def named(x):\n    return lambda f: x\n@named(AROUND)\ndef result(): pass",
    "result = None\ndef work():\n    global result\n    result = AROUND\nwork()",
    "async def work():\n    return AROUND\nresult = run(work())",
    "try:\n    result = AROUND\nfinally:\n    pass", "result = rank if rank else AROUND; kept = AROUND",
    "class Holder:\n    torch = 'cuda'\n    def work(self):\n        return AROUND\nresult = Holder().work()",
    "def work(torch):\n    return keep(torch)\nresult = AROUND", "while True:\n    result = AROUND\n    break",
    "lists = [1]\nlists[0] = AROUND\nresult = lists", "result = None\nresult = keep(result) or AROUND",
    "for result in [AROUND]: pass", "with torch.device(DEVICE):\n    result = AROUND",
)  # fmt: skip


class NoGpuError(Exception):
    """What PyTorch raises without a GPU."""


class Tensor:
    """A tensor of which only the device is known."""

    def __init__(self, device: str, *, gpu: bool) -> None:
        if device.startswith("cuda") and not gpu:
            raise NoGpuError
        self.device, self.gpu = device, gpu

    def to(self, device: str) -> "Tensor":
        return Tensor(str(device), gpu=self.gpu)

    def cuda(self) -> "Tensor":
        return self.to("cuda")

    def __neg__(self) -> "Tensor":
        return self

    def __add__(self, other: "Tensor") -> "Tensor":
        return Tensor(f"{self.device}+{other.device}".removeprefix("cpu+cpu"), gpu=True)

    def __repr__(self) -> str:
        return self.device


class Device(str):
    """A device, which may be the one of a block."""

    __slots__ = ()

    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


async def _give(value: object) -> object:
    return value


async def _ticks(value: object) -> AsyncIterator[object]:
    yield value


def _run(work: Coroutine[None, None, object]) -> object:
    """Run a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError


def outcome(code: str, *, gpu: bool) -> str:
    """Return what the code's `result` is, on a machine with a GPU or without."""
    torch: Any = ModuleType("torch")
    torch.zeros = lambda _size, device="cpu": Tensor(device, gpu=gpu)
    torch.device = lambda name: Device(Tensor(name, gpu=gpu).device)
    torch.cuda = ModuleType("cuda")
    torch.cuda.is_available = lambda: gpu
    names: dict[str, Any] = {"keep": lambda x: x, "give": _give, "ticks": _ticks, "run": _run}
    before = sys.modules.get("torch")
    sys.modules["torch"] = torch
    try:
        exec(compile(code, "func.py", "exec"), names)  # noqa: S102 -- code of this test's own making
    finally:
        sys.modules.pop("torch")
        if before is not None:
            sys.modules["torch"] = before
    result = names["result"]
    shown = repr(list(result) if isinstance(result, Generator) else result)
    return re.sub(r"0x[0-9a-f]+", "", shown)


@given(*map(st.sampled_from, (_STATEMENTS, _AROUND, _USES, _DEVICES)))
def test_a_fix_changes_nothing_with_a_gpu_and_leaves_the_cpu_without_one(
    statement: str, around: str, use: str, device: str
) -> None:
    shown = statement.replace("AROUND", around.replace("USE", use))
    places = shown.count("DEVICE") + shown.count("cuda")
    code = f"import torch\nrank = 1\n{shown.replace('DEVICE', device)}\n"
    try:
        compile(code, "func.py", "exec")
        before = outcome(code, gpu=True)
    except (SyntaxError, TypeError, AttributeError):  # such as the same quotes in an f-string
        return
    fixed = fix(code.encode(), "func.py", FIXABLE)
    after = fixed.source.decode()

    ast.parse(after, feature_version=(3, 11))
    assert outcome(after, gpu=True) == before
    if len(fixed.applied) == places:
        assert "cuda" not in outcome(after, gpu=False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('d = torch.device("cuda:" + str(rank))', 'd = torch.device("cuda:" + str(rank) if AVAILABLE else "cpu")'),
        ("x = y.cuda() + y", 'x = y.to("cuda" if AVAILABLE else "cpu") + y'),
        ("x = y.to('cuda:' + name, copy=True)", "x = y.to('cuda:' + name if AVAILABLE else 'cpu', copy=True)"),
    ],
)
def test_a_device_in_parts_is_guarded_as_a_whole(before: str, after: str) -> None:
    source = f"import torch\ny = torch.zeros(1)\n{before}\n"
    whole = source.replace(before, after.replace("AVAILABLE", "torch.cuda.is_available()"))

    assert fix(source.encode(), "func.py", FIXABLE).source.decode() == whole


@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    return USE\ndel torch\n",
        "def f(v):\n    match v:\n        case [torch, *_]:\n            return USE\n",
        "match 1:\n    case int() as torch:\n        pass\nx = USE\n",
        "match 1:\n    case {**torch}:\n        pass\nx = USE\n",
        "def f():\n    found = [(torch := i) for i in range(3)]\n    return USE\n",
        "def f():\n    global torch\n    torch = None\ndef g():\n    return USE\n",
        "def f():\n    for torch in []:\n        pass\n    return USE\n",
        "try:\n    pass\nexcept OSError as torch:\n    x = USE\n",
    ],
)
def test_where_pytorchs_name_may_mean_something_else_nothing_is_fixed(code: str) -> None:
    source = ("import torch\n" + code.replace("USE", 'y.to("cuda")')).encode()

    assert fix(source, "func.py", FIXABLE).source == source


@pytest.mark.parametrize(
    "line",
    [
        'x = torch.zeros(3).cuda(device="cuda")',
        'd = torch.device("cuda", 1)',
        'd = torch.device("cuda", index=rank)',
        'print(f"sum: {torch.ones(3).cuda().sum()}")',
        "print(f'''{torch.ones(3).to(\"cuda\")}''')",
        'x = torch.ones(3, device="cuda" or "cpu")',
        'x = torch.ones(3, device="cuda" * rank)',
        'x = torch.ones(3, device="cuda" if rank else "cuda:1")',
        'x = torch.ones(3, device="cuda:{}".format(rank))',
    ],
)
def test_what_is_no_whole_expression_or_stands_in_an_f_string_is_left_alone(line: str) -> None:
    source = f"import torch\nrank = 0\n{line}\n".encode()

    assert fix(source, "func.py", FIXABLE).source == source
