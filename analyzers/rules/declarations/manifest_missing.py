"""GA803: a configured function has no manifest."""

from analyzers.findings import Place, Signal
from analyzers.rules.declared import Declared
from analyzers.rules.rule import Hit, Hits, Rule


def _check(declared: Declared) -> Hits:
    if declared.configuration and declared.manifest is None:
        yield Hit(Place(declared.configuration, 1), "the function has no manifest; `gaia analyze --write` writes one")


RULE = Rule(
    code="GA803",
    name="manifest-missing",
    summary="A function with a configuration has no gaia.manifest.toml.",
    rationale="With the manifest in the repository a change of the verdict is a line in a review, whether it comes "
    "from the code or from new rules. Without one it is noticed in production.",
    remedy="`gaia analyze --write` writes one.",
    confidence=0.95,
    signal=Signal.CONTRADICTION,
    check=_check,
    matches=('# gaia.toml\n[function]\nname = "f"\n# func.py\ndef handler(payload):\n    return payload\n',),
    passes=("# func.py\ndef handler(payload):\n    return payload\n",),
)
