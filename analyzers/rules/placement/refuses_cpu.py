"""GA206: the function stops itself where there is no GPU."""

from analyzers.facts.model import Facts
from analyzers.rules.model import Found, Rule, Signal


def _check(facts: Facts) -> Found:
    for refusal in facts.refusals():
        yield refusal.place, "stops here when there is no GPU", 4.0, Signal.NEEDS_GPU


RULE = Rule(
    code="GA206",
    name="refuses-cpu",
    summary="The function stops itself where there is no GPU.",
    rationale="A test for a GPU is usually a guard; one that raises, asserts or exits is the opposite of one. "
    "Under a switch such as use_gpu it only turns down what was asked for.",
    check=_check,
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
