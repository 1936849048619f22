"""GA207: the function asks Gaia which backend it runs on."""

from analyzers.facts.model import Facts, texts
from analyzers.facts.vocabulary import BACKEND_VARIABLES
from analyzers.rules.model import Found, Rule, Signal

_READERS = ("os.environ.get", "os.getenv", "os.environ.__getitem__")


def _check(facts: Facts) -> Found:
    for call in facts.calls():
        if call.name in _READERS and call.args:
            for name in texts(call.args[0].value):
                if name in BACKEND_VARIABLES:
                    message = f"reads {name}, so it runs on either backend and knows which"
                    yield call.place, message, 0.2, Signal.CAN_USE_GPU


RULE = Rule(
    code="GA207",
    name="asks-gaia",
    summary="The function asks Gaia which backend it runs on.",
    rationale="GAIA_BACKEND and GAIA_ACCELERATOR are set for each worker. A function that reads one has two "
    "ways to do its work.",
    check=_check,
    matches=(
        'import os\nON_GPU = os.environ.get("GAIA_BACKEND") == "gpu"',
        'import os\nB = os.environ["GAIA_BACKEND"]',
    ),
    passes=('import os\nHOME = os.environ.get("HOME")',),
)
