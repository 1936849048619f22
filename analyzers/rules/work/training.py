"""GA404: networks are trained."""

from analyzers.facts.model import Facts, Guard
from analyzers.rules.knowledge.libraries import FRAMEWORKS, lookup, outside
from analyzers.rules.model import Found, Rule, Signal

_TRAINERS = (
    "transformers.Trainer",
    "transformers.Seq2SeqTrainer",
    "trl.SFTTrainer",
    "lightning.Trainer",
    "pytorch_lightning.Trainer",
    "ultralytics.YOLO().train",
)
_FITTERS = ("tensorflow", "keras", "tf_keras")


def _check(facts: Facts) -> Found:
    used = {lookup(fact.name, FRAMEWORKS).partition(".")[0] for fact in outside(facts)}
    for call in facts.calls():
        if call.guard is Guard.WITHOUT_GPU:
            continue
        if call.name in _TRAINERS:
            yield call.place, f"{call.name} trains a network", 2.0, Signal.WORK
        elif call.method == "backward" and "torch" in used:
            yield call.place, "works out gradients, as training does", 1.4, Signal.WORK
        elif call.method == "fit" and call.name.startswith(_FITTERS):
            yield call.place, "trains a network", 0.8, Signal.WORK


RULE = Rule(
    code="GA404",
    name="training",
    summary="A network is trained.",
    rationale="Training repeats the work of an answer thousands of times, and three times over for the gradients. Only "
    "what the entry point reaches counts: a training script beside the function says nothing.",
    check=_check,
    matches=(
        "import torch\nloss = torch.nn.functional.mse_loss(torch.rand(2), torch.rand(2))\nloss.backward()",
        "from transformers import Trainer\ntrainer = Trainer(model)",
    ),
    passes=("from sklearn.svm import SVC\nSVC().fit([[0], [1]], [0, 1])",),
)
