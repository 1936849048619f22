"""GA805: a manifest records another mode than the code needs."""

from analyzers.rules.declared import Declared, declaration_rule
from analyzers.rules.rule import Hit, Hits


def _check(declared: Declared) -> Hits:
    if declared.recorded is None:
        return
    recorded, current = declared.recorded_in("mode").get("value"), declared.current["mode"]["value"]
    if recorded != current:
        reason = declared.current["mode"]["reason"]
        place = declared.place("mode", "value")
        yield Hit(place, f"the manifest says {recorded or 'no mode'}, the code says {current}: {reason}")


RULE = declaration_rule(
    code="GA805",
    name="manifest-mode",
    summary="The manifest records another mode than the function has.",
    rationale="What deploys from the manifest starts the function on the wrong backend.",
    remedy="`gaia analyze --write` records the current mode; if that mode surprises you, look at the evidence first.",
    check=_check,
    matches=(
        (
            '# gaia.manifest.toml\nschema_version = 1\n\n[mode]\nvalue = "gpu"\n'
            "# func.py\ndef handler(payload):\n    return payload\n"
        ),
    ),
    passes=(
        (
            '# gaia.manifest.toml\nschema_version = 1\n\n[mode]\nvalue = "cpu"\n'
            "# func.py\ndef handler(payload):\n    return payload\n"
        ),
    ),
)
