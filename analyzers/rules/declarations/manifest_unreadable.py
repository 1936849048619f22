"""GA806: a manifest cannot be read."""

from analyzers.facts.model import Place
from analyzers.project.toml_places import place_of
from analyzers.rules.mode_model import Contradictions, Declared, ModeRule


def _check(declared: Declared) -> Contradictions:
    if declared.manifest is None:
        return
    if declared.recorded is None:
        yield Place(declared.manifest_path, 1), "not a manifest: it is not valid TOML"
        return
    version, known = declared.recorded.get("schema_version"), declared.current["schema_version"]
    if version != known:
        place = place_of(declared.manifest_path, declared.manifest, "", "schema_version")
        yield place, f"the manifest has schema version {version}, this Gaia reads {known}"


RULE = ModeRule(
    code="GA806",
    name="manifest-unreadable",
    summary="The manifest is not valid, or of another schema version.",
    rationale="A merge conflict or an edit by hand leaves a file that nothing can deploy from. `gaia analyze "
    "--write` writes it anew.",
    check=_check,
    matches=(
        (
            "# gaia.manifest.toml\n<<<<<<< HEAD\nschema_version = 1\n# func.py\ndef handler(payload):\n"
            "    return payload\n"
        ),
        "# gaia.manifest.toml\nschema_version = 99\n# func.py\ndef handler(payload):\n    return payload\n",
    ),
    passes=("# gaia.manifest.toml\nschema_version = 1\n# func.py\ndef handler(payload):\n    return payload\n",),
)
