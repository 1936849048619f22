"""GA803: a configured function has no manifest."""

from analyzers.findings import Level, Place
from analyzers.rules.declared import Declared, declaration_rule
from analyzers.rules.rule import Hit, Hits


def _check(declared: Declared) -> Hits:
    if declared.configuration and declared.manifest is None:
        yield Hit(Place(declared.configuration, 1), "the function has no manifest; `gaia analyze --write` writes one")


RULE = declaration_rule(
    code="GA803",
    name="manifest-missing",
    summary="A function with a configuration has no gaia.manifest.toml.",
    rationale="With the manifest in the repository a change of the verdict is a line in a review, whether it comes "
    "from the code or from new rules. Without one it is noticed in production.",
    remedy="`gaia analyze --write` writes one.",
    check=_check,
    level=Level.NOTE,
    hook=False,
    matches=('# gaia.toml\n[function]\nname = "f"\n# func.py\ndef handler(payload):\n    return payload\n',),
    passes=("# func.py\ndef handler(payload):\n    return payload\n",),
)
