"""GA404: networks are trained."""

from analyzers.facts.model import Facts, Guard
from analyzers.findings import Signal
from analyzers.lean.tables import words
from analyzers.rules.knowledge.libraries import FRAMEWORKS, lookup, outside
from analyzers.rules.rule import Hit, Hits, Rule

_TRAINERS = words(
    "transformers.Trainer transformers.Seq2SeqTrainer trl.SFTTrainer lightning.Trainer pytorch_lightning.Trainer "
    "ultralytics.YOLO().train"
)
_FITTERS = ("tensorflow", "keras", "tf_keras")


def _check(facts: Facts) -> Hits:
    used = {lookup(fact.name, FRAMEWORKS).partition(".")[0] for fact in outside(facts)}
    for call in facts.calls():
        if call.guard is Guard.WITHOUT_GPU:
            continue
        if call.name in _TRAINERS:
            yield Hit(call.place, f"{call.name} trains a network", "trainer")
        elif call.method == "backward" and "torch" in used:
            yield Hit(call.place, "computes gradients, as training does", "gradients")
        elif call.method == "fit" and call.name.startswith(_FITTERS):
            yield Hit(call.place, "trains a network", "fit")


RULE = Rule(
    code="GA404",
    name="training",
    summary="The function trains a network.",
    rationale="Training repeats the work of an answer thousands of times, and three times over for the gradients. "
    "Only what the entry point reaches counts: a training script beside the function says nothing.",
    remedy="Train elsewhere, and ship the weights with the function.",
    confidence=0.8,
    signal=Signal.WORK,
    check=_check,
    weights={"trainer": 2.0, "gradients": 1.4, "fit": 0.8},
    words=".fit( backward keras tensor transformers",
    matches=(
        "import torch\nloss = torch.nn.functional.mse_loss(torch.rand(2), torch.rand(2))\nloss.backward()",
        "from transformers import Trainer\ntrainer = Trainer(model)",
    ),
    passes=("from sklearn.svm import SVC\nSVC().fit([[0], [1]], [0, 1])",),
)
