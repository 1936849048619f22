"""GA207: the function asks Gaia which backend it runs on."""

from analyzers.facts.model import Facts, texts
from analyzers.facts.vocabulary import BACKEND_VARIABLES
from analyzers.findings import Signal
from analyzers.rules.rule import Hit, Hits, Rule

_READERS = ("os.environ.get", "os.getenv", "os.environ.__getitem__")


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        if call.name in _READERS and call.args:
            for name in texts(call.args[0].value):
                if name in BACKEND_VARIABLES:
                    message = f"reads {name}, so it runs on either backend and knows which"
                    yield Hit(call.place, message, "asks")


RULE = Rule(
    code="GA207",
    name="asks-gaia",
    summary="The function asks Gaia which backend it runs on.",
    rationale="Gaia sets GAIA_BACKEND and GAIA_ACCELERATOR for each worker. A function that reads one has two ways to "
    "do its work.",
    confidence=0.95,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    weights={"asks": 0.2},
    words="environ getenv os.",
    matches=(
        'import os\nON_GPU = os.environ.get("GAIA_BACKEND") == "gpu"',
        'import os\nB = os.environ["GAIA_BACKEND"]',
    ),
    passes=('import os\nHOME = os.environ.get("HOME")',),
)
