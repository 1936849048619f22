"""GA206: the function stops itself where there is no GPU."""

from analyzers.facts.model import Facts
from analyzers.findings import Signal
from analyzers.rules.rule import Hit, Hits, Rule


def _check(facts: Facts) -> Hits:
    for refusal in facts.refusals():
        yield Hit(refusal.place, "stops where there is no GPU", "refuses")


RULE = Rule(
    code="GA206",
    name="refuses-cpu",
    summary="The function stops itself where there is no GPU.",
    rationale="A test for a GPU is usually a guard; one that raises, asserts or exits is the opposite. Under a switch "
    "such as use_gpu it only turns down what was asked for.",
    remedy="Go on without a GPU, if more slowly, or pin the mode `gpu`.",
    confidence=0.95,
    signal=Signal.NEEDS_GPU,
    check=_check,
    ties=True,
    weights={"refuses": 4.0},
    words="GPU cuda gpu",
    matches=(
        "import torch\nassert torch.cuda.is_available()",
        'import torch\nif not torch.cuda.is_available():\n    raise RuntimeError("no GPU")',
    ),
    passes=(
        'import torch\nif not torch.cuda.is_available():\n    print("slow")',
        "import torch\ndef load(use_gpu=False):\n    if use_gpu:\n        assert torch.cuda.is_available()",
        "import torch\nif torch.cuda.is_available():\n    pass\ndef handler(payload):\n    assert payload",
    ),
)
