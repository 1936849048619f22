"""GA212: the function asks which GPUs the machine has."""

from analyzers.facts.model import Call, Facts, texts
from analyzers.facts.vocabulary import AVAILABILITY, LOOKS
from analyzers.findings import Signal
from analyzers.rules.rule import Hit, Hits, Rule


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        if call.name in AVAILABILITY:
            yield Hit(call.place, f"{call.name}() asks which GPUs the machine has", "asks")
        elif call.name in LOOKS and _is_of_card(call):
            yield Hit(call.place, f"{call.name}() looks for what only a machine with a GPU has", "asks")


def _is_of_card(call: Call) -> bool:
    return any("nvidia" in text for argument in call.args[:1] for text in texts(argument.value))


RULE = Rule(
    code="GA212",
    name="asks-for-gpus",
    summary="The function asks which GPUs the machine has.",
    rationale="A function that asks has two ways to go on. Other rules follow what depends on the answer; the "
    "question alone shows that a GPU is of use.",
    confidence=0.95,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    weights={"asks": 0.2},
    words="GPU cuda gpu nvidia onnx tensor torch transformers",
    matches=(
        'import torch\nprint("GPU" if torch.cuda.is_available() else "CPU")',
        'import os\nif os.path.exists("/dev/nvidia0"):\n    encoder = "h264_nvenc"',
        'import tensorflow as tf\ngpus = tf.config.list_physical_devices("GPU")',
    ),
    passes=("import os\nn = os.cpu_count()", 'import os\nfound = os.path.exists("model.pt")'),
)
