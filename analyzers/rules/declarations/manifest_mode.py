"""GA805: a manifest records another mode than the code needs."""

from analyzers.project.toml_places import place_of
from analyzers.rules.mode_model import Contradictions, Declared, ModeRule


def _check(declared: Declared) -> Contradictions:
    if declared.recorded is None:
        return
    recorded, current = declared.recorded_in("mode").get("value"), declared.current["mode"]["value"]
    if recorded != current:
        reason = declared.current["mode"]["reason"]
        place = place_of(declared.manifest_path, declared.manifest or "", "mode", "value")
        yield place, f"the manifest says {recorded or 'no mode'}, but it is {current}: {reason}"


RULE = ModeRule(
    code="GA805",
    name="manifest-mode",
    summary="The manifest records another mode than the function has.",
    rationale="What deploys from the manifest starts the function on the wrong backend. `gaia analyze --write` "
    "records the mode of today; if that is the surprise, look at the evidence first.",
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
