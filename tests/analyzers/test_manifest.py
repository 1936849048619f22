import json
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analyzers import Analysis, analyze
from analyzers import manifest as manifest_module
from analyzers.formats import as_json
from analyzers.manifest import SCHEMA_PATH, render_manifest, rules_digest, sources_digest
from runtime_images.policy.model import Slo
from tests.analyzers.support import project
from tests.support.hostile import unseen

_CODE = 'import torch\nimport lib\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda")  # "größe"\n'
_SLO = Slo(latency_p95_ms=150, error_rate=0.01)


def _function(root: Path) -> Path:
    return project(root, func_py=_CODE, lib_py="x = 1\n", requirements_txt="torch==2.3.0+cu121\n")


def _manifest(analysis: Analysis) -> str:
    return render_manifest(analysis, name="f", slo=_SLO, version="1.0")


@pytest.fixture(name="schema")
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return schema


def test_the_manifest_is_the_same_bytes_wherever_the_function_lies(tmp_path: Path) -> None:
    first, second = (analyze(_function(tmp_path / name)) for name in ("a", "elsewhere/b"))

    assert _manifest(first) == _manifest(second)
    assert str(tmp_path) not in _manifest(first)


def test_the_manifest_keeps_to_its_published_schema(schema: dict[str, Any], tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    manifest = tomllib.loads(_manifest(analyze(_function(tmp_path))))

    jsonschema.validate(manifest, schema)


def test_the_schema_refuses_what_a_manifest_must_not_be(schema: dict[str, Any], tmp_path: Path) -> None:
    manifest = tomllib.loads(_manifest(analyze(_function(tmp_path))))
    wrong = [
        manifest | {"schema_version": 2},
        manifest | {"more": 1},
        manifest | {"mode": {"value": "tpu", "confidence": 0.5, "reason": "x"}},
        {key: value for key, value in manifest.items() if key != "sources"},
    ]

    for candidate in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(candidate, schema)


def test_the_manifest_says_what_the_analysis_says(tmp_path: Path) -> None:
    analysis = analyze(_function(tmp_path))
    manifest = tomllib.loads(_manifest(analysis))

    assert manifest["mode"] == {"value": "gpu", "confidence": analysis.confidence, "reason": analysis.reason}
    assert manifest["slo"] == {"latency_p95_ms": 150, "error_rate": 0.01, "window_s": 60.0}
    assert manifest["function"] == {"name": "f", "entry": "func.py"}
    assert manifest["evidence"] == as_json.to_object(analysis)["evidence"]


def test_the_smallest_edit_changes_the_digest(tmp_path: Path) -> None:
    root = _function(tmp_path)
    files = analyze(root).files
    before = sources_digest(root, files)
    (root / "requirements.txt").write_text("torch==2.3.1+cu121\n")

    assert files == ("func.py", "lib.py", "requirements.txt")
    assert sources_digest(root, files) != before


def test_the_rules_have_a_digest_of_their_own() -> None:
    assert rules_digest() == rules_digest()
    assert rules_digest().startswith("blake2b-128:")


@pytest.mark.parametrize("name", ["rules/rule.py", "rules/knowledge/libraries.tsv", "verdict/hardware.toml"])
def test_the_digest_of_the_rules_changes_with_their_code_and_with_their_tables(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "analyzers"
    shutil.copytree(Path(manifest_module.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(manifest_module, "__file__", str(copy / "manifest.py"))
    before = rules_digest()
    (copy / name).write_text((copy / name).read_text() + "\n")

    assert rules_digest() != before


def test_the_json_is_one_object_with_the_documented_keys(tmp_path: Path) -> None:
    analysis = replace(analyze(_function(tmp_path)), duration_s=0.0123456)
    written = json.loads(as_json.render(analysis))

    documented = "schema_version mode confidence reason slo_out_of_reach evidence alternatives prediction files"
    assert list(written) == [*documented.split(), "duration_ms"]
    assert written["duration_ms"] == 12.3
    assert set(written["evidence"][0]) == {"rule", "path", "line", "column", "message", "weight"}


def test_names_that_are_no_text_or_turn_it_around_are_escaped_and_compared(tmp_path: Path) -> None:
    name = "caf\udce9\u202e\x9b\x1b\U000e0041.py"
    (tmp_path / name).write_text(_CODE)
    text = _manifest(analyze(tmp_path))

    assert unseen(text) == set()
    assert tomllib.loads(text)["sources"]["files"] == ["caf\\udce9\u202e\x9b\x1b\U000e0041.py"]
    assert _manifest(analyze(tmp_path)) == text
