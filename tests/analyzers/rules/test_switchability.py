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


@pytest.mark.parametrize(
    ("test", "loud"),
    [
        ("args.use_cpu", False),
        ("args.use_cpu == True", False),
        ("use_cpu is True", False),
        ("args.cpu_only", False),
        ("args.verbose", True),
        ("not args.use_cpu", True),
        ("args.use_cpu == 'later'", True),
    ],
)
def test_where_the_cpu_was_not_asked_for_a_gpu_was(test: str, loud: bool) -> None:
    code = (
        f"import torch\ndef load(net, args, use_cpu):\n    if {test}:\n        net = net.to('cpu')\n"
        "    else:\n        net = net.to('cuda')\n    return net\n"
    )

    assert codes_of(code) == (["GA701"] if loud else [])


def test_what_a_caller_hands_in_is_the_callers_choice() -> None:
    code = "import os, torch\ndef NAME(rank):\n    os.environ['CUDA_VISIBLE_DEVICES'] = VALUE\n"

    assert codes_of(code.replace("NAME", "work").replace("VALUE", "str(rank)")) == []
    assert codes_of(code.replace("NAME", "work").replace("VALUE", "'1'")) == ["GA711"]
    assert codes_of(code.replace("NAME", "handler").replace("VALUE", "rank")) == ["GA711"]


@pytest.mark.parametrize(
    ("given", "call", "loud"),
    [
        ('path, device="cuda"', "", False),
        ('path, device="cuda"', 'load("m", device="cpu")', False),
        ('path, device="cuda"', 'load("m", "cpu")', False),
        ('path, device="cuda"', "load(*where)", False),
        ('path, device="cuda"', "load(**options)", False),
        ('path, *, device="cuda:0"', 'load("m", device=chosen)', False),
        ('path, place=torch.device("cuda")', "", False),
        ('path, device="cuda"', 'load("m")', True),
        ('path, *, device="cuda"', 'load(path="m")', True),
        ('path, place=torch.device("cuda")', "net = load('m')", True),
    ],
)
def test_a_default_is_the_callers_choice_until_a_call_leaves_it_out(given: str, call: str, loud: bool) -> None:
    code = f"import torch\ndef load({given}):\n    return torch.load(path)\n{call}\n"

    assert codes_of(code) == (["GA701"] if loud else [])


@pytest.mark.parametrize(
    ("head", "field", "made", "loud"),
    [
        ("class Config(BaseSettings)", 'device: str = "cuda"', "Config()", True),
        ("class Config(BaseSettings)", 'device: str = "cuda"', 'Config(device="cpu")', False),
        ("@dataclass\nclass Options", 'device: str = "cuda"', "", False),
        ("class Net(torch.nn.Module)", 'device: str = "cuda"', "", True),
        ("class Net", 'def __init__(self, device="cuda"): pass', "", False),
        ("class Net", 'def __init__(self, device="cuda"): pass', "Net()", True),
        ("class Net", 'def __init__(self, device="cuda"): super().__init__()', "", False),
        ("class Net", '@staticmethod\n    def make(size, device="cuda"): pass', "Net.make(3)", True),
        ("class Net", '@staticmethod\n    def make(size, device="cuda"): pass', "Net.make(3, 'cpu')", False),
        ("class Net", 'def make(self, size, device="cuda"): pass', "net.make(3, 'cpu')", False),
        ("class Predictor", 'def predict(self, x, device="cuda"): pass', "", True),
    ],
)
def test_what_a_class_takes_is_its_makers_choice(head: str, field: str, made: str, loud: bool) -> None:
    imports = "import torch\nfrom dataclasses import dataclass\nfrom pydantic_settings import BaseSettings\n"
    code = f"{imports}{head}:\n    {field}\n{made}\n"

    assert codes_of(code) == (["GA701"] if loud else [])


@pytest.mark.parametrize(
    ("made", "loud"),
    [
        ("[x.item() if not isinstance(x, float) else x for x in found]", False),
        ("[x.item() if hasattr(x, 'item') else x for x in found]", False),
        ("[x.item() if isinstance(x, torch.Tensor) else x for x in found]", True),
        ("[x.item() for x in found]", True),
        ("tuple(x.to(device) for x in found)", False),
        ("{name: x.to(device) for name, x in pairs}", False),
        ("[net(torch.tensor(x).to(device)) for x in found]", True),
    ],
)
def test_only_what_could_be_one_copy_is_one_too_many(made: str, loud: bool) -> None:
    code = (
        "import torch\ndevice = 'cuda' if torch.cuda.is_available() else 'cpu'\n"
        f"def handler(found, pairs):\n    return {made}\n"
    )

    assert bool(codes_of(code)) == loud


@pytest.mark.parametrize(
    ("body", "loud"),
    [
        ("kept.append(one.outputs[0].hidden.to(torch.float32).to(self.device))", False),
        ("self.vae.decode(one.to(self.device))", False),
        ("self.net(one.to(self.device))", True),
        ("self.net(self.transform(one).to(self.device))", True),
    ],
)
def test_results_and_what_a_decoder_takes_one_by_one_may_be_copied_so(body: str, loud: bool) -> None:
    head = "import torch\nclass Predictor:\n    def predict(self, images):\n        for one in images:\n"
    code = f"{head}            {body}\n"

    assert ("GA705" in codes_of(code)) == loud


@pytest.mark.parametrize(
    ("path", "loud"),
    [
        ("f'voices/{request.args[\"voice\"]}.pt'", False),
        ("path", False),
        ("os.path.join('voices', name)", False),
        ("'m.pt'", True),
        ("os.path.join(ROOT, 'm.pt')", True),
    ],
)
def test_what_a_request_names_can_only_be_loaded_for_it(path: str, loud: bool) -> None:
    code = (
        "import os, torch\nfrom flask import request\n@app.route('/')\ndef speak():\n"
        "    name = read(request, 'voice')\n    path = f'voices/{name}.pt'\n"
        f"    return torch.load({path}).to('cpu').sum().item()\n"
    )

    assert ("GA709" in codes_of(code)) == loud


def test_a_seed_that_is_asked_for_counts_where_the_file_draws_itself() -> None:
    code = "import torch\ndef handler(payload):\n    torch.manual_seed(SEED)\n    return net.generate(payload)\n"

    assert codes_of(code.replace("SEED", "payload['seed']")) == []
    assert codes_of(code.replace("SEED", "7")) == ["GA707"]
    assert codes_of(code.replace("SEED", "payload['seed']").replace("net.generate(payload)", "torch.randn(3)")) == [
        "GA707"
    ]


@pytest.mark.parametrize(
    ("line", "loud"),
    [
        ("if not torch.cuda.is_available():\n    os.environ['CUDA_VISIBLE_DEVICES'] = ''", False),
        ("if os.getenv('FORCE_CPU', '') != '':\n    os.environ['CUDA_VISIBLE_DEVICES'] = ''", False),
        ("def pick():\n    best = most_memory()\n    os.environ['CUDA_VISIBLE_DEVICES'] = str(best)", False),
        ("def pick():\n    best = most_memory()\n    os.environ.setdefault('CUDA_VISIBLE_DEVICES', str(best))", False),
        ("GPU = '1'\nos.environ['CUDA_VISIBLE_DEVICES'] = GPU", True),
        ("os.environ['CUDA_VISIBLE_DEVICES'] = ''", True),
    ],
)
def test_gpus_may_be_chosen_by_what_is_found_out_and_not_by_the_code(line: str, loud: bool) -> None:
    assert codes_of(f"import os, torch\n{line}\n") == (["GA711"] if loud else [])


@pytest.mark.parametrize(
    ("code", "loud"),
    [
        ("if torch.cuda.is_available():\n    torch.zeros(1).cuda()", False),
        ("if torch.cuda.is_available():\n    x = torch.zeros(1, device='cuda')", False),
        ("if torch.cuda.is_available():\n    net = torch.nn.Linear(2, 2).cuda()", True),
        ("x = torch.zeros(1, device='cuda')", True),
        ("new = torch.cuda.is_available() and torch.cuda.get_device_capability() > (8, 0)", False),
        ("torch.cuda.set_device(0)", True),
    ],
)
def test_a_gpu_may_be_looked_at_and_tried_at_import(code: str, loud: bool) -> None:
    assert ("GA702" in codes_of(f"import torch\n{code}\n")) == loud


@pytest.mark.parametrize("test", ["not BUILT or not torch.cuda.is_available()", "not torch.cuda.is_available() or x"])
def test_after_leaving_for_one_of_two_reasons_neither_holds(test: str) -> None:
    code = (
        "import torch\ntry:\n    import kernels\n    BUILT = True\nexcept ImportError:\n    BUILT = False\n"
        f"def put(x):\n    if {test}:\n        return x\n    return x.to('cuda')\n"
    )

    assert codes_of(code) == []


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


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("    logits = model(x).logits.to('cpu')\n    return [one.argmax(-1).item() for one in logits]\n", 0),
        ("    logits = model(x).logits.to(device='cpu')\n    return [one.item() for one in logits]\n", 0),
        ("    logits = model(x).logits.to(torch.float32)\n    return [one.item() for one in logits]\n", 1),
        ("    return results(model(x))\n\ndef results(many):\n    return [one.item() for one in many]\n", 0),
        (
            (
                "    return results(model(x))\n\ndef results(many):\n"
                "    for i in range(3):\n        print(many.s[i].item())\n"
            ),
            1,
        ),
        ("    for i in range(99):\n        t = model(x).argmax().item()\n        if t == 2:\n            break\n", 0),
        ("    for i in range(99):\n        t = model(x).argmax().item()\n        print(t)\n", 1),
        ("    for one in model(x):\n        if one.item() > 2:\n            break\n", 1),
    ],
)
def test_a_copy_in_a_loop_is_one_where_the_value_is_on_the_device_and_no_turn_waits_for_it(
    code: str, number: int
) -> None:
    assert codes_of(f"import torch\ndef handler(x):\n{code}").count("GA704") == number


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ("    opt, _ = parser.parse_known_args()\n    os.environ['CUDA_VISIBLE_DEVICES'] = opt.gpu_ids\n", 0),
        ("    name, device = data\n    os.environ['CUDA_VISIBLE_DEVICES'] = device\n", 0),
        (
            "    cpu = data == 'cpu'\n    if cpu or data == 'm':\n        os.environ['CUDA_VISIBLE_DEVICES'] = '-1'\n",
            0,
        ),
        ("    if data:\n        os.environ['CUDA_VISIBLE_DEVICES'] = '-1'\n", 1),
    ],
)
def test_what_an_option_says_of_the_devices_is_its_users_choice(body: str, number: int) -> None:
    assert codes_of(f"import os\nimport torch\ndef select(data):\n{body}").count("GA711") == number
