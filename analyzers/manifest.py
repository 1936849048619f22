"""gaia.manifest.toml: the record of a verdict, the same bytes whenever the same code is analyzed by the same rules.

It holds no time and no path of the machine, so that it changes only with the function, its SLO or the rules. It travels
in the repository and in the image; its schema is manifest.schema.json beside this module.
"""

from collections.abc import Iterable
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

from analyzers.analysis import Analysis
from analyzers.lean.files import read_inside, source_bytes
from analyzers.lean.printable import replaced
from analyzers.project.reach import apart
from runtime_images.policy.model import Slo

FILE_NAME = "gaia.manifest.toml"
MANIFEST_SCHEMA = 1
SCHEMA_PATH = Path(__file__).with_name("manifest.schema.json")

_HEADER = "# Written by `gaia analyze --write`. Change the function or gaia.toml instead.\n\n"
_DIGEST_BYTES = 16


def render_manifest(analysis: Analysis, *, name: str, slo: Slo, version: str) -> str:
    """Return the manifest of the function `name`, analyzed by Gaia `version`, as TOML text."""
    import tomli_w

    text = tomli_w.dumps(to_object(analysis, name=name, slo=slo, version=version))
    return _HEADER + "\n".join(replaced(line, _escape) for line in text.split("\n"))


def _escape(character: str) -> str:
    """Return a character that is not seen, such as a name may hold, as TOML writes it in a string."""
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def to_object(analysis: Analysis, *, name: str, slo: Slo, version: str) -> dict[str, Any]:
    """Return the manifest as plain values, without what is not set."""
    return {
        "schema_version": MANIFEST_SCHEMA,
        "function": {"name": name, "entry": _as_text(analysis.entry)},
        "mode": {"value": analysis.mode.value, "confidence": analysis.confidence, "reason": analysis.reason},
        "slo": {key: value for key, value in asdict(slo).items() if value is not None},
        "analyzer": {"version": version, "rules_digest": rules_digest()},
        "sources": {
            "digest": sources_digest(analysis.root, analysis.files),
            "files": [_as_text(file) for file in analysis.files],
        },
        "evidence": [asdict(evidence) | {"path": _as_text(evidence.path)} for evidence in analysis.evidence],
    }


def _as_text(name: str) -> str:
    """Return a file's name with the bytes that are no text escaped: neither TOML nor most readers of JSON take them."""
    return name.encode(errors="backslashreplace").decode()


def sources_digest(root: Path, files: tuple[str, ...]) -> str:
    """Return a digest of the names and the bytes of `files`.

    Raises:
        OSError: one of them can no longer be read.
    """
    return _digest((name, read_inside(*apart(str(root), name), source_bytes(name))) for name in sorted(files))


def rules_digest() -> str:
    """Return a digest of the analyzer itself: other rules may come to another verdict on the same code."""
    package = Path(__file__).parent
    files = (path for path in sorted(package.rglob("*.*")) if path.suffix in (".py", ".toml", ".tsv"))
    return _digest((path.relative_to(package).as_posix(), path.read_bytes()) for path in files)


def _digest(parts: Iterable[tuple[str, bytes]]) -> str:
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for name, data in parts:
        for piece in (name.encode(errors="surrogateescape"), data):
            digest.update(len(piece).to_bytes(8, "big") + piece)
    return f"blake2b-128:{digest.hexdigest()}"
