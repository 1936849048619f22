"""GA212: the function asks which GPUs the machine has."""

from analyzers.facts.model import Facts
from analyzers.facts.vocabulary import AVAILABILITY
from analyzers.rules.model import Found, Rule, Signal


def _check(facts: Facts) -> Found:
    for call in facts.calls():
        if call.name in AVAILABILITY:
            yield call.place, f"{call.name}() asks which GPUs the machine has", 0.2, Signal.CAN_USE_GPU


RULE = Rule(
    code="GA212",
    name="asks-for-gpus",
    summary="The function asks which GPUs the machine has.",
    rationale="Whoever asks has two ways to go on. What depends on the answer is followed by the other rules; that the "
    "question is asked at all shows that a GPU is of use.",
    check=_check,
    matches=(
        'import torch\nprint("GPU" if torch.cuda.is_available() else "CPU")',
        'import tensorflow as tf\ngpus = tf.config.list_physical_devices("GPU")',
    ),
    passes=("import os\nn = os.cpu_count()",),
)
