"""GA806: a manifest cannot be read."""

from analyzers.findings import Level, Place
from analyzers.rules.declared import Declared, declaration_rule
from analyzers.rules.rule import Hit, Hits


def _check(declared: Declared) -> Hits:
    if declared.manifest is None:
        return
    if declared.recorded is None:
        yield Hit(Place(declared.manifest_path, 1), "the manifest is not valid TOML")
        return
    version, known = declared.recorded.get("schema_version"), declared.current["schema_version"]
    if version != known:
        place = declared.place("", "schema_version")
        yield Hit(place, f"the manifest has schema version {version}, this Gaia reads {known}")


RULE = declaration_rule(
    code="GA806",
    name="manifest-unreadable",
    summary="The manifest is not valid, or of another schema version.",
    rationale="A merge conflict or an edit by hand leaves a file that nothing can deploy from.",
    remedy="`gaia analyze --write` writes it again.",
    check=_check,
    level=Level.ERROR,
    matches=(
        (
            "# gaia.manifest.toml\n<<<<<<< HEAD\nschema_version = 1\n# func.py\ndef handler(payload):\n"
            "    return payload\n"
        ),
        "# gaia.manifest.toml\nschema_version = 99\n# func.py\ndef handler(payload):\n    return payload\n",
    ),
    passes=("# gaia.manifest.toml\nschema_version = 1\n# func.py\ndef handler(payload):\n    return payload\n",),
)
