"""GA804: a manifest is older than what it records."""

from analyzers.rules.declared import Declared, declaration_rule
from analyzers.rules.rule import Hit, Hits


def _check(declared: Declared) -> Hits:
    if declared.recorded is None:
        return
    sources, current = declared.recorded_in("sources"), declared.current["sources"]
    if sources.get("files") != current["files"]:
        message = f"the function's files have changed: {_changes(sources, current)}"
        yield Hit(declared.place("sources", "files"), message)
    elif sources.get("digest") != current["digest"]:
        message = "the sources have changed since; `gaia analyze --write` records them"
        yield Hit(declared.place("sources", "digest"), message)
    for key in sorted({*declared.recorded_in("slo"), *declared.current["slo"]}):
        if declared.recorded_in("slo").get(key) != declared.current["slo"].get(key):
            yield Hit(declared.place("slo", key), f"the SLO's {key} has changed in the configuration")


def _changes(recorded: object, current: object) -> str:
    """Return the first files that came and went."""
    before, now = _files(recorded), _files(current)
    parts = [f"{sign}{name}" for sign, names in (("+", now - before), ("-", before - now)) for name in sorted(names)]
    return ", ".join(parts[:4]) + (f" and {len(parts) - 4} more" if len(parts) > 4 else "")


def _files(sources: object) -> set[str]:
    files = sources.get("files", []) if isinstance(sources, dict) else []
    return {name for name in files if isinstance(name, str)} if isinstance(files, list) else set()


_STALE = (
    '# gaia.manifest.toml\nschema_version = 1\n\n[mode]\nvalue = "cpu"\n\n[sources]\n'
    'digest = "blake2b-128:00000000000000000000000000000000"\nfiles = ["func.py"]\n'
    "# func.py\ndef handler(payload):\n    return payload\n"
)

RULE = declaration_rule(
    code="GA804",
    name="manifest-stale",
    summary="The sources, or the SLO, have changed since the manifest was written.",
    rationale="The manifest travels into the image and the cluster as the record of what was analyzed. One that "
    "belongs to other sources describes code that is not there.",
    remedy="`gaia analyze --write` writes it again.",
    check=_check,
    matches=(_STALE,),
    passes=("# func.py\ndef handler(payload):\n    return payload\n",),
)
