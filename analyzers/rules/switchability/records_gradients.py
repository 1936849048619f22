"""GA708: inference records gradients."""

from analyzers.facts.contexts.model import Phase
from analyzers.rules.behaviour import Behaviour, switchability_rule
from analyzers.rules.knowledge.calls import is_network_call
from analyzers.rules.rule import Hit, Hits

_OTHERS = ("transformers.Flax", "transformers.TF")
"""Networks of JAX and TensorFlow, which record nothing unless they are asked to."""


def _check(behaviour: Behaviour) -> Hits:
    for call, context in behaviour.calls(Phase.REQUEST):
        silent = context.without_gradients or call.place.path in behaviour.contexts.learning
        if not (silent or call.name.startswith(_OTHERS)) and is_network_call(call, behaviour.contexts.modules):
            yield Hit(call.place, "the model records gradients that no request needs; use torch.inference_mode()")


RULE = switchability_rule(
    code="GA708",
    name="records-gradients",
    summary="A request runs a PyTorch model without switching gradients off.",
    rationale="Outside `torch.inference_mode()` or `torch.no_grad()` PyTorch keeps every intermediate result for a "
    "backward pass that never comes. That takes time on both backends and several times the memory, of which a GPU "
    "has least: what fits into the CPU's memory is then too large after a promotion. `generate()` and pipelines "
    "switch gradients off themselves.",
    remedy="Call the model within `with torch.inference_mode():`.",
    confidence=0.8,
    check=_check,
    matches=(
        (
            "from transformers import AutoModel\nimport torch\nmodel = AutoModel.from_pretrained('a')\n"
            "def handler(payload):\n    return model(payload).logits.tolist()"
        ),
        (
            "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        return x\n"
            "net = Net()\ndef handler(payload):\n    return net(torch.tensor(payload)).tolist()"
        ),
    ),
    passes=(
        (
            "from transformers import FlaxAutoModel\nmodel = FlaxAutoModel.from_pretrained('a')\n"
            "def handler(payload):\n    return model(payload)"
        ),
        (
            "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.stop = torch.hub.load('a', 'b')\n    def infer(self, x):\n        return self.stop(x)"
        ),
        (
            "from transformers import AutoModel\nimport torch\nmodel = AutoModel.from_pretrained('a')\n"
            "def run(x):\n    return model(x)\ndef handler(payload):\n"
            "    with torch.no_grad():\n        return run(payload)"
        ),
        (
            "from transformers import AutoModel\nimport torch\nmodel = AutoModel.from_pretrained('a')\n"
            "def handler(payload):\n    with torch.no_grad():\n        return model(payload).logits.tolist()"
        ),
        (
            "from transformers import AutoModel\nimport torch\nmodel = AutoModel.from_pretrained('a')\n"
            "@torch.inference_mode()\ndef handler(payload):\n    return model(payload).logits.tolist()"
        ),
        (
            "from transformers import AutoModelForCausalLM\nimport torch\n"
            "model = AutoModelForCausalLM.from_pretrained('a')\n"
            "def handler(payload):\n    return model.generate(payload)"
        ),
        (
            "from transformers import AutoTokenizer\nimport torch\ntokenizer = AutoTokenizer.from_pretrained('a')\n"
            "def handler(payload):\n    return tokenizer(payload)"
        ),
    ),
)
