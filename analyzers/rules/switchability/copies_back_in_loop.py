"""GA704: results are copied back from the device one by one."""

from analyzers.facts.contexts.model import Phase
from analyzers.rules.behaviour import Behaviour, switchability_rule
from analyzers.rules.rule import Hit, Hits

_COPIES = frozenset({"item", "cpu", "numpy"})
_TENSORS = frozenset({"torch", "tensorflow", "transformers", "torchvision", "torchaudio", "diffusers"})
_NOT_TENSORS = ("numpy", "pandas", "PIL", "cv2", "sklearn", "math", "random")


def _check(behaviour: Behaviour) -> Hits:
    torch = {file.path for file in behaviour.facts.files if any(fact.package in _TENSORS for fact in file.imports)}
    for call, context in behaviour.calls(Phase.REQUEST):
        copies = call.method in _COPIES and context.loop and call.method not in context.on_host and not call.args
        served = call.place.path in torch - behaviour.contexts.learning
        if copies and served and not _is_other(call.receiver, call.name):
            yield Hit(call.place, f".{call.method}() in a loop waits for the device each time; copy once before it")


def _is_other(receiver: object, name: str) -> bool:
    """Return whether the receiver is known to be something else than a tensor."""
    return name.startswith(_NOT_TENSORS) or str(getattr(receiver, "name", "")).startswith(_NOT_TENSORS)


RULE = switchability_rule(
    code="GA704",
    name="copies-back-in-loop",
    summary="A request copies results back from the device one by one.",
    rationale="`.item()`, `.cpu()` and `.numpy()` make the program wait until the GPU has done everything before, so "
    "a loop of them runs at the speed of the copies. On the CPU they cost nothing: the function looks fine there, and "
    "a promotion then gains less than it should. Loops over batches are not reported, nor is what may be no tensor, as "
    "a test of its kind shows.",
    remedy="Copy the whole tensor once, before the loop: `for score in scores.tolist()`.",
    confidence=0.8,
    check=_check,
    matches=(
        (
            "import torch\ndef handler(payload):\n    scores = model(payload)\n"
            "    return [score.item() for score in scores]"
        ),
        (
            "import torch\ndef handler(payload):\n    found = []\n    for box in model(payload):\n"
            "        found.append(box.cpu().numpy())\n    return found"
        ),
    ),
    passes=(
        (
            "import torch\ndef handler(texts):\n    found = []\n    for text in texts:\n"
            "        found.append(model.generate(text).cpu())\n    return found"
        ),
        (
            "import torch\ndef handler(payload):\n    scores = model(payload).cpu()\n"
            "    return [score.item() for score in scores]"
        ),
        "import torch\ndef handler(payload):\n    return model(payload).sum().item()",
        "import numpy as np\ndef handler(payload):\n    return [x.item() for x in np.ones(3)]",
        (
            "import torch\ndef handler(payload):\n    out = []\n    for batch in loader:\n"
            "        out.append(model(batch).cpu())\n    return out"
        ),
    ),
)
