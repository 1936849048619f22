"""GA705: inputs are copied to the device one by one."""

from analyzers.facts.contexts.model import Phase
from analyzers.rules.behaviour import Behaviour, switchability_rule
from analyzers.rules.rule import Hit, Hits

_MOVES = frozenset({"to", "cuda", "to_gpu"})


def _check(behaviour: Behaviour) -> Hits:
    placed = {placement.call.place for placement in behaviour.placements}
    for call, context in behaviour.calls(Phase.REQUEST):
        moves = call.method in _MOVES and (call.place in placed or (call.method == "to" and "to" in context.moves))
        if moves and context.loop and not call.name.startswith("torch.cuda"):
            message = f".{call.method}() in a loop copies to the device each time; stack the parts and copy once"
            yield Hit(call.place, message)


RULE = switchability_rule(
    code="GA705",
    name="copies-in-loop",
    summary="A request copies its input to the device piece by piece.",
    rationale="Each copy from main memory to a GPU has a price of its own, whatever its size, and on the CPU backend "
    "it is free. Many small ones make the GPU slower than the measurements on the CPU promise, so a promotion is "
    "undone again. Loops over batches are not reported, nor is the moving of a few tensors that "
    "have shapes of their own, or that are results of something else.",
    remedy="Stack the parts and copy once: `torch.stack(parts).to(device)`.",
    confidence=0.8,
    check=_check,
    matches=(
        (
            'import torch\ndevice = "cuda" if torch.cuda.is_available() else "cpu"\ndef handler(payload):\n'
            "    return [model(torch.tensor(row).to(device)) for row in payload]"
        ),
        (
            "import torch\nclass Predictor:\n    def predict(self, images):\n        for image in images:\n"
            "            self.model(self.transform(image).to(self.device))"
        ),
    ),
    passes=(
        (
            "import torch\ndef handler(text):\n    inputs = tokenizer(text)\n    for key in inputs:\n"
            "        inputs[key] = inputs[key].to(device)\n    return model(**inputs)"
        ),
        (
            "import torch\nclass Net(torch.nn.Module):\n    def infer(self, x):\n        for block in self.blocks:\n"
            "            block.to(x.device)\n            x = block(x)\n        return x"
        ),
        "import torch\ndef handler(payload):\n    return model(torch.tensor(payload).to(device))",
        "import torch\ndef handler(payload):\n    return [x.to(torch.float32) for x in payload]",
        "import torch\ndef handler(payload):\n    for batch in loader:\n        model(batch.to(device))",
    ),
)
