"""GA703: requests leave state behind on the device."""

from analyzers.facts.contexts.model import Phase
from analyzers.rules.behaviour import Behaviour, switchability_rule
from analyzers.rules.rule import Hit, Hits


def _check(behaviour: Behaviour) -> Hits:
    for placement in behaviour.placements:
        context = behaviour.contexts.of(placement.call.place)
        if Phase.REQUEST in context.phases and Phase.START not in context.phases and context.kept and not context.once:
            message = f"{placement.spelling} is kept in {context.kept} across requests; a switch loses it"
            yield Hit(placement.call.place, message)


RULE = switchability_rule(
    code="GA703",
    name="state-on-device",
    summary="Requests leave tensors behind on the device, in a global name or an attribute.",
    rationale="A switch starts a new process on the other backend, and what requests have put into a global name, or "
    "an attribute of the object that serves, is not there: the next request of the same caller finds nothing. It also "
    "fills the memory of the GPU while no request runs. A model that is loaded once, behind a test for None, made by "
    "what the start calls as well, or only moved, is not reported.",
    remedy="Keep such state outside the function, or in main memory and rebuild it.",
    confidence=0.8,
    check=_check,
    matches=(
        (
            "import torch\nSEEN = []\ndef handler(payload):\n"
            '    SEEN.append(torch.tensor(payload).to("cuda"))\n    return len(SEEN)'
        ),
        (
            "import torch\nlast = None\ndef handler(payload):\n    global last\n"
            '    last = torch.tensor(payload).to("cuda")'
        ),
        (
            "import torch\nfrom cog import BasePredictor\nclass Predictor(BasePredictor):\n"
            "    def setup(self):\n        self.seen = {}\n"
            "    def predict(self, x: str):\n        self.seen[x] = torch.tensor([ord(c) for c in x]).cuda()"
        ),
        'import torch\nCACHE = {}\ndef handler(payload):\n    CACHE[payload["id"]] = torch.tensor(payload["x"]).cuda()',
    ),
    passes=(
        (
            "import torch\nmodel = None\ndef load_model():\n    global model\n"
            "    model = torch.load('m.pt').to('cuda')\ndef startup():\n    load_model()\n"
            "@app.post('/reload')\ndef reload():\n    load_model()"
        ),
        (
            "import torch\nmodel = None\ndef handler(payload):\n    global model\n    if model is None:\n"
            '        model = torch.load("m.pt").to("cuda")'
        ),
        'import torch\ndef handler(payload):\n    seen = []\n    seen.append(torch.tensor(payload).to("cuda"))',
        (
            "import torch\nclass Model:\n    def load(self):\n        self.net = torch.load('m.pt')\n"
            "    def predict(self, x):\n        self.net = self.net.to('cuda')\n        return self.net(x)"
        ),
        'import torch\nclass Model:\n    def load(self):\n        self.net = torch.load("m.pt").to("cuda")',
    ),
)
