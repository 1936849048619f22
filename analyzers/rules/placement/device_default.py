"""GA203: a GPU is the default of a setting."""

from analyzers.facts.model import Facts, Guard, options, texts
from analyzers.findings import Signal
from analyzers.rules.knowledge.devices import is_gpu
from analyzers.rules.knowledge.libraries import computes_nothing
from analyzers.rules.rule import Hit, Hits, Rule


def _check(facts: Facts) -> Hits:
    if computes_nothing(facts):
        return  # it is what a service elsewhere is asked for
    for constant in facts.constants():
        if "device" not in constant.name.lower() or constant.guard is not Guard.ALWAYS:
            continue  # before the value is looked at, which has to be worked out first
        if all(is_gpu(option) for option in options(constant.value)):
            yield Hit(constant.place, f"{constant.name} is a GPU by default", "default")
    for call in facts.calls():
        default = call.keyword("default") if call.method == "add_argument" else None
        if default is None:
            continue
        named = any("device" in text for argument in call.args[:2] for text in texts(argument.value))
        if named and is_gpu(default):
            yield Hit(call.place, "the command line's device is a GPU by default", "default")


RULE = Rule(
    code="GA203",
    name="device-default",
    summary="A setting for the device is a GPU by default.",
    rationale="The value may reach a placement in a way that cannot be followed, such as a configuration object or a "
    "library's own code. It is what the function asks for unless a setting says otherwise.",
    remedy='Let the default ask: `"cuda" if torch.cuda.is_available() else "cpu"`.',
    confidence=0.8,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    weights={"default": 1.8},
    words="cuda device gpu",
    matches=('DEVICE = "cuda"', 'config = {"device": "cuda:0"}', 'parser.add_argument("--device", default="cuda")'),
    passes=(
        'import torch\nDEVICE = "cuda" if torch.cuda.is_available() else "cpu"',
        'DEVICE = "cpu"',
        'TITLE = "cuda"',
    ),
)
