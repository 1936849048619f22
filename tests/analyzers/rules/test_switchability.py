import ast
import re
from pathlib import Path

import pytest

from analyzers import analyze
from analyzers.facts.contexts.reading import read_contexts
from analyzers.facts.model import Facts
from analyzers.facts.stage1 import extract
from analyzers.findings import Finding, Signal
from analyzers.lean.prefilter import may_hinder_a_switch
from analyzers.project.model import Source
from analyzers.rules.behaviour import Behaviour
from analyzers.rules.examination import evidence_rules, examine, switchability_rules, tying_rules
from analyzers.rules.rule import Rule
from tests.analyzers.support import project

RULES = switchability_rules()
_MATCHES = [(rule, example) for rule in RULES for example in rule.matches]
_PASSES = [(rule, example) for rule in RULES for example in rule.passes]


def findings_of(code: str) -> list[Finding]:
    sources = [Source("func.py", "func", code, ast.parse(code))]
    files, troubles = extract(sources, ("func.py",))
    assert not troubles
    return list(examine(RULES, Behaviour(Facts(files), read_contexts(sources), tying_rules)))


def codes_of(code: str) -> list[str]:
    return [finding.rule for finding in findings_of(code)]


@pytest.mark.parametrize(("rule", "example"), _MATCHES, ids=lambda value: getattr(value, "code", None))
def test_a_rule_finds_what_its_examples_show(rule: Rule[Behaviour], example: str) -> None:
    assert rule.code in codes_of(example)


@pytest.mark.parametrize(("rule", "example"), _PASSES, ids=lambda value: getattr(value, "code", None))
def test_a_rule_lets_its_near_misses_pass(rule: Rule[Behaviour], example: str) -> None:
    assert rule.code not in codes_of(example)


@pytest.mark.parametrize(("rule", "example"), _MATCHES, ids=lambda value: getattr(value, "code", None))
def test_the_prefilter_lets_through_what_a_rule_finds(rule: Rule[Behaviour], example: str) -> None:
    assert may_hinder_a_switch(example.encode()), rule.code


@pytest.mark.parametrize("example", [example for _, example in _MATCHES])
def test_findings_point_into_the_example(example: str) -> None:
    lines = example.splitlines()
    for finding in findings_of(example):
        assert 1 <= finding.place.line <= len(lines)
        assert 1 <= finding.place.column < finding.place.end_column <= len(lines[finding.place.line - 1]) + 1


def test_the_family_has_codes_of_its_own_and_examples_of_both_kinds() -> None:
    codes = [rule.code for rule in RULES]

    assert codes == sorted(set(codes))
    assert all(re.fullmatch(r"GA7\d\d", code) for code in codes)
    assert all(rule.matches and rule.passes for rule in RULES)
    assert not set(codes) & {rule.code for rule in evidence_rules()}


def test_what_hinders_a_switch_is_no_evidence(tmp_path: Path) -> None:
    for number, (_, example) in enumerate(_MATCHES):
        analysis = analyze(project(tmp_path / str(number), None, func_py=example))

        assert all(finding.signal is not Signal.SWITCHABILITY for finding in analysis.findings)


def test_what_hinders_a_switch_weighs_nothing() -> None:
    found = [finding for _, example in _MATCHES for finding in findings_of(example)]

    assert {(finding.weight, finding.signal) for finding in found if finding.rule.startswith("GA7")} == {
        (0.0, Signal.SWITCHABILITY)
    }


def test_code_that_is_nested_deeply_has_no_context_and_is_no_failure() -> None:
    source = Source("func.py", "func", "", ast.parse(f"import torch\ny = {'-' * 900}1\ntorch.manual_seed(0)\n"))

    behaviour = Behaviour(Facts(extract([source], ())[0]), read_contexts([source]), tying_rules)

    assert list(examine(RULES, behaviour)) == []


def test_what_runs_under_the_main_block_is_not_served() -> None:
    code = 'import torch\nif __name__ == "__main__":\n    torch.manual_seed(0)\n    torch.set_num_threads(4)\n'

    assert codes_of(code) == []


def test_a_helper_runs_when_its_callers_run() -> None:
    code = (
        "import torch\nclass Model:\n    def load(self):\n        self.net = self.build()\n"
        '    def build(self):\n        return torch.load("m.pt")\n'
        "    def predict(self, x):\n        return self.again(x)\n"
        "    def again(self, x):\n        torch.manual_seed(1)\n"
    )

    assert [(finding.rule, finding.place.line) for finding in findings_of(code)] == [("GA707", 10)]


def test_loading_behind_a_question_is_done_once() -> None:
    early = (
        "import torch\nmodel = None\ndef get():\n    if model is not None:\n        return model\n"
        '    return torch.load("m")\n'
        "def handler(payload):\n    return get()\n"
    )
    missing = (
        'import torch\nCACHE = {}\ndef handler(payload):\n    try:\n        return CACHE["m"]\n'
        '    except KeyError:\n        CACHE["m"] = torch.load("m")\n'
    )

    assert codes_of(early) == []
    assert codes_of(missing) == []


def test_a_client_that_lives_beside_the_function_may_block() -> None:
    code = "import modal, time\n@app.local_entrypoint()\nasync def test():\n    time.sleep(1)\n"

    assert codes_of(code) == []
    assert codes_of(code.replace("local_entrypoint", "function")) == ["GA706"]


def test_columns_count_characters() -> None:
    (finding,) = [
        f for f in findings_of('import torch\nä = "ö"; x = torch.zeros(1, device="cuda")\n') if f.rule == "GA701"
    ]

    assert (finding.place.column, finding.place.end_column) == (36, 42)


@pytest.mark.parametrize(
    ("test", "value"),
    [
        ("args.gpus", "args.gpus"),
        ("args.gpus is not None", "str(args.gpus)"),
        ("args.gpus and len(args.gpus) > 1", "','.join(args.gpus)"),
        ("self.gpus", "self.gpus"),
        ("gpus is not None and gpus != -1", "str(gpus)"),
        ("config.cuda.devices", "config.cuda.devices"),
    ],
)
def test_what_an_option_asks_for_is_chosen_and_no_finding(test: str, value: str) -> None:
    code = (
        "import os, torch\nfrom options import args, config\ndef handler(self):\n"
        "    if {}:\n        os.environ['CUDA_VISIBLE_DEVICES'] = {}\n"
    )

    assert codes_of(code.format(test, value)) == []
    assert codes_of(code.format("args.verbose", value)) == ["GA711"]
    assert codes_of(code.format(test, "'0'")) == ["GA711"]


def test_what_a_caller_hands_in_is_the_callers_choice() -> None:
    code = "import os, torch\ndef NAME(rank):\n    os.environ['CUDA_VISIBLE_DEVICES'] = VALUE\n"

    assert codes_of(code.replace("NAME", "work").replace("VALUE", "str(rank)")) == []
    assert codes_of(code.replace("NAME", "work").replace("VALUE", "'1'")) == ["GA711"]
    assert codes_of(code.replace("NAME", "handler").replace("VALUE", "rank")) == ["GA711"]


def test_a_network_leaves_gradients_and_its_layers_to_its_caller() -> None:
    code = (
        "import torch\nfrom torch import nn\nclass Net(nn.Module):\n    def infer(self, x):\n"
        "        for layer in self.layers:\n            x = layer.to(x.device)(x)\n        return Part()(x)\n"
        "class Part(nn.Module):\n    pass\nnet = Net()\ndef handler(payload):\n    return net(payload)\n"
    )

    assert [(finding.rule, finding.place.line) for finding in findings_of(code)] == [("GA708", 12)]


@pytest.mark.parametrize("test", ["torch.cuda.is_available()", "use_cuda", "device.type == 'cuda'"])
def test_a_function_that_is_handed_on_runs_where_it_is_handed_on(test: str) -> None:
    code = (
        "import torch\nuse_cuda = torch.cuda.is_available()\ndef place(storage, where):\n    return storage.cuda()\n"
        "def load(path, device):\n    where = 'cpu'\n    if {}:\n        where = place\n"
        "    return torch.load(path, map_location=where)\n"
    )

    assert codes_of(code.format(test)) == []
    assert codes_of(code.format("path")) == ["GA701"]
