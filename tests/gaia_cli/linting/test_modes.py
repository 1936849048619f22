import re
from pathlib import Path

import pytest

from analyzers.findings import Finding, Signal
from analyzers.rules.declared import Declared
from analyzers.rules.examination import declaration_rules, evidence_rules
from analyzers.rules.rule import Rule
from gaia_cli.commands.analyze import analyze
from gaia_cli.errors import ConfigurationError
from gaia_cli.linting.functions import declared_functions
from gaia_cli.linting.modes import mode_findings

RULES = declaration_rules()
_MATCHES = [(rule, example) for rule in RULES for example in rule.matches]
_PASSES = [(rule, example) for rule in RULES for example in rule.passes]
_CPU = "def handler(payload):\n    return payload\n"
_GPU = 'import torch\n\n\ndef handler(payload):\n    return torch.ones(2, device="cuda").tolist()\n'


def written(root: Path, example: str) -> Path:
    """The files of an example, each below a line with its name."""
    parts = re.split(r"^# ([\w.]+)\n", example, flags=re.MULTILINE)[1:]
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        (root / name).write_text(text)
    return root


def function(root: Path, code: str = _CPU, configuration: str = "") -> Path:
    (root / "func.py").write_text(code)
    if configuration:
        (root / "gaia.toml").write_text(configuration)
    return root


def found(root: Path) -> list[tuple[str, str, int]]:
    return [(finding.rule, finding.place.path, finding.place.line) for finding in mode_findings(root)]


def only(root: Path, code: str) -> Finding:
    (finding,) = [finding for finding in mode_findings(root) if finding.rule == code]
    return finding


@pytest.mark.parametrize(("rule", "example"), _MATCHES, ids=lambda value: getattr(value, "code", None))
def test_a_rule_finds_what_its_examples_show(tmp_path: Path, rule: Rule[Declared], example: str) -> None:
    assert rule.code in {code for code, _, _ in found(written(tmp_path, example))}


@pytest.mark.parametrize(("rule", "example"), _PASSES, ids=lambda value: getattr(value, "code", None))
def test_a_rule_lets_its_near_misses_pass(tmp_path: Path, rule: Rule[Declared], example: str) -> None:
    assert rule.code not in {code for code, _, _ in found(written(tmp_path, example))}


def test_the_family_has_codes_of_its_own() -> None:
    codes = [rule.code for rule in RULES]

    assert codes == sorted(set(codes))
    assert all(re.fullmatch(r"GA80\d", code) for code in codes)
    assert not set(codes) & {rule.code for rule in evidence_rules()}


def test_a_contradiction_is_no_evidence_and_weighs_nothing(tmp_path: Path) -> None:
    function(tmp_path, _GPU, '[mode]\npin = "cpu"\n')

    assert {(finding.signal, finding.weight) for finding in mode_findings(tmp_path)} == {(Signal.CONTRADICTION, 0.0)}


def test_a_pin_is_reported_at_its_line_with_the_place_in_the_code(tmp_path: Path) -> None:
    finding = only(function(tmp_path, _GPU, '[function]\nname = "f"\n\n[mode]\npin = "cpu"  # cheap\n'), "GA801")

    assert (finding.place.path, finding.place.line, finding.place.column) == ("gaia.toml", 5, 1)
    assert "func.py:5" in finding.message
    assert finding.excerpt == 'pin = "cpu"  # cheap'


def test_a_pin_in_pyproject_is_reported_there(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "f"\n\n[tool.gaia.mode]\npin = "gpu_preferred"\n')
    finding = only(function(tmp_path, _GPU), "GA801")

    assert (finding.place.path, finding.place.line) == ("pyproject.toml", 5)
    assert "demoted" in finding.message


def test_a_pin_that_agrees_is_not_reported(tmp_path: Path) -> None:
    codes = {code for code, _, _ in found(function(tmp_path, _GPU, '[mode]\npin = "gpu"\n'))}

    assert codes == {"GA803"}


def test_a_fresh_manifest_leaves_nothing_to_report(tmp_path: Path) -> None:
    function(tmp_path, _CPU, '[function]\nname = "f"\n[slo]\nlatency_p95_ms = 200\n')
    analyze(tmp_path, write=True)

    assert found(tmp_path) == []


def test_a_fresh_manifest_of_a_pinned_function_leaves_nothing_to_report(tmp_path: Path) -> None:
    function(tmp_path, _GPU, '[mode]\npin = "gpu"\n')
    analyze(tmp_path, write=True)

    assert found(tmp_path) == []


def test_an_edit_makes_the_manifest_stale_at_its_digest(tmp_path: Path) -> None:
    analyze(function(tmp_path), write=True)
    (tmp_path / "func.py").write_text(f"{_CPU}\n# more\n")

    finding = only(tmp_path, "GA804")
    assert finding.place.path == "gaia.manifest.toml"
    assert finding.excerpt.startswith("digest = ")


def test_a_new_file_is_named(tmp_path: Path) -> None:
    analyze(function(tmp_path), write=True)
    (tmp_path / "helper.py").write_text("X = 1\n")
    (tmp_path / "func.py").write_text(f"import helper\n\n\n{_CPU}")

    assert "+helper.py" in only(tmp_path, "GA804").message


def test_another_slo_makes_the_manifest_stale(tmp_path: Path) -> None:
    function(tmp_path, _CPU, "[slo]\nlatency_p95_ms = 200\n")
    analyze(tmp_path, write=True)
    (tmp_path / "gaia.toml").write_text("[slo]\nlatency_p95_ms = 300\n")

    finding = only(tmp_path, "GA804")
    assert "latency_p95_ms" in finding.message
    assert finding.excerpt.startswith("latency_p95_ms = 200")


def test_a_mode_that_has_changed_is_reported_at_the_recorded_mode(tmp_path: Path) -> None:
    analyze(function(tmp_path), write=True)
    (tmp_path / "func.py").write_text(_GPU)

    finding = only(tmp_path, "GA805")
    assert finding.excerpt == 'value = "cpu"'
    assert "func.py:5" in finding.message


def test_a_manifest_of_odd_shape_is_no_crash(tmp_path: Path) -> None:
    function(tmp_path)
    for text in ("", "mode = 3\nsources = []\nslo = 1\n", "[sources]\nfiles = 1\n", "\x00\xff"):
        (tmp_path / "gaia.manifest.toml").write_text(text, encoding="latin-1")

        assert mode_findings(tmp_path)


def test_an_unread_file_proves_nothing(tmp_path: Path) -> None:
    function(tmp_path, "import torch\nx = (\n", '[mode]\npin = "gpu"\n')

    assert {code for code, _, _ in found(tmp_path)} == {"GA803"}


def test_a_directory_without_python_has_nothing_to_contradict(tmp_path: Path) -> None:
    (tmp_path / "gaia.toml").write_text('[mode]\npin = "cpu"\n')

    assert mode_findings(tmp_path) == ()


def test_only_what_is_configured_or_has_a_manifest_is_declared(tmp_path: Path) -> None:
    def declared() -> tuple[str, ...]:
        return declared_functions([str(tmp_path)], (), str(tmp_path))

    function(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert declared() == ()

    (tmp_path / "pyproject.toml").write_text("[tool.gaia.slo]\nlatency_p95_ms = 5\n")
    assert declared() == (str(tmp_path),)

    (tmp_path / "pyproject.toml").unlink()
    (tmp_path / "gaia.manifest.toml").write_text("")
    assert declared() == (str(tmp_path),)


def test_a_manifest_that_a_prediction_decided_is_still_right(tmp_path: Path) -> None:
    code = (
        "import torch\nfrom transformers import AutoModel\n"
        'device = "cuda" if torch.cuda.is_available() else "cpu"\n'
        'model = AutoModel.from_pretrained("bert-110m")\n'
        "def handler(payload):\n    return model(**payload)\n"
    )
    function(tmp_path, code, '[function]\nname = "f"\n[slo]\nlatency_p95_ms = 100\n')
    analyze(tmp_path, write=True)

    assert 'value = "gpu_preferred"' in (tmp_path / "gaia.manifest.toml").read_text()
    assert mode_findings(tmp_path) == ()


def test_unknown_hardware_is_an_error(tmp_path: Path) -> None:
    function(tmp_path, _CPU, '[mode]\nhardware = "abacus"\n')

    with pytest.raises(ConfigurationError, match=r"\[mode\] hardware"):
        mode_findings(tmp_path)
