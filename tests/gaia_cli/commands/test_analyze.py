import json
from pathlib import Path

import pytest

from gaia_cli.commands.analyze import analyze
from gaia_cli.errors import ConfigurationError, ExitCode, FunctionError, UsageError

_PINNED = 'import torch\n\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda")\n'
_BROKEN = "def handler(payload:\n    return 1\n"


def _function(root: Path, code: str = _PINNED, config: str = "") -> Path:
    (root / "func.py").write_text(code)
    if config:
        (root / "gaia.toml").write_text(config)
    return root


def test_the_report_names_mode_reason_rule_and_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze(_function(tmp_path)) is ExitCode.OK

    screen = capsys.readouterr().out
    assert " gpu " in screen
    assert "func.py:5:12" in screen
    assert 'return torch.zeros(3).to("cuda")' in screen
    assert "GA201" in screen


def test_json_is_all_that_goes_to_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze(_function(tmp_path), output_format="json", write=True) is ExitCode.OK

    streams = capsys.readouterr()
    assert json.loads(streams.out)["mode"] == "gpu"
    assert "gaia.manifest.toml" in streams.err


def test_write_puts_the_manifest_beside_the_function(tmp_path: Path) -> None:
    root = _function(tmp_path, config='[function]\nname = "named"\n[slo]\nlatency_p95_ms = 100\n')
    analyze(root, write=True)
    first = (root / "gaia.manifest.toml").read_bytes()
    analyze(root, write=True)

    assert b'name = "named"' in first
    assert b"latency_p95_ms = 100" in first
    assert (root / "gaia.manifest.toml").read_bytes() == first


def test_a_file_that_cannot_be_analyzed_is_exit_2_and_no_manifest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert analyze(_function(tmp_path, _BROKEN), write=True) is ExitCode.USAGE

    assert "GA901" in capsys.readouterr().out
    assert not (tmp_path / "gaia.manifest.toml").exists()


def test_a_reached_file_that_cannot_be_analyzed_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "helper.py").write_text(_BROKEN)

    assert analyze(_function(tmp_path, "import helper\n" + _PINNED), output_format="json") is ExitCode.USAGE
    assert json.loads(capsys.readouterr().out)["evidence"][0]["path"] == "helper.py"


def test_a_pinned_mode_stands_above_what_the_code_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    analyze(_function(tmp_path, config='[mode]\npin = "cpu"\n'), output_format="json")

    written = json.loads(capsys.readouterr().out)
    assert written["mode"] == "cpu"
    assert "its code says gpu" in written["reason"]


def test_the_entry_point_of_the_configuration_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.py").write_text("def serve(payload):\n    return 1\n")
    analyze(_function(tmp_path, config='[function]\nentrypoint = "other.py:serve"\n'), output_format="json")

    assert json.loads(capsys.readouterr().out)["mode"] == "cpu"


def test_a_single_file_is_analyzed_with_what_it_imports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plain.py").write_text("x = 1\n")
    _function(tmp_path)

    assert analyze(tmp_path / "plain.py", output_format="json") is ExitCode.OK
    assert json.loads(capsys.readouterr().out)["files"] == ["plain.py"]


def test_wrong_input_is_named_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist") as missing:
        analyze(tmp_path / "missing")
    with pytest.raises(UsageError, match="contains no function"):
        analyze(tmp_path)
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(FunctionError, match="no Python file") as no_code:
        analyze(tmp_path)
    (tmp_path / "gaia.toml").write_text("[slo]\nlatency = 1\n")
    with pytest.raises(ConfigurationError):
        analyze(tmp_path)

    assert missing.value.hint
    assert no_code.value.hint


_BERT = (
    "import torch\nfrom transformers import AutoModel\n"
    'device = "cuda" if torch.cuda.is_available() else "cpu"\n'
    'model = AutoModel.from_pretrained("bert-110m")\n'
    "def handler(payload):\n    return model(**payload)\n"
)
_SLOW = "[gpu.slow]\ngflops = 1\ngigabytes_per_s = 0.01\nshare = 1\n"


def _mode(root: Path, capsys: pytest.CaptureFixture[str], hardware: str = "") -> str:
    analyze(root, output_format="json", hardware=hardware)
    return str(json.loads(capsys.readouterr().out)["mode"])


def test_the_hardware_of_the_flag_goes_before_that_of_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = _function(tmp_path, _BERT, '[mode]\nhardware = "slow.toml"\n[slo]\nlatency_p95_ms = 100\n')
    (root / "slow.toml").write_text(_SLOW)

    assert _mode(root, capsys) == "cpu_preferred"
    assert _mode(root, capsys, hardware="l4") == "gpu_preferred"
    assert _mode(root, capsys, hardware=str(root / "slow.toml")) == "cpu_preferred"


def test_unknown_hardware_is_an_error_that_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--hardware: no hardware profile 'abacus'") as caught:
        analyze(_function(tmp_path), hardware="abacus")

    assert "h100" in caught.value.hint
    with pytest.raises(ConfigurationError, match=r"\[mode\] hardware: no hardware profile 'abacus'"):
        analyze(_function(tmp_path, config='[mode]\nhardware = "abacus"\n'))


def test_hardware_without_an_slo_says_that_it_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    analyze(_function(tmp_path), hardware="l4")

    assert "--hardware l4 has no effect without an SLO" in capsys.readouterr().err


def test_json_tells_what_would_change_it_and_what_was_predicted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = _function(tmp_path, _BERT, "[slo]\nlatency_p95_ms = 100\n")
    analyze(root, output_format="json", hardware="l4")

    written = json.loads(capsys.readouterr().out)
    assert {"mode": "cpu", "condition": "remove func.py:3"} not in written["alternatives"]
    prediction = written["prediction"]
    assert (prediction["path"], prediction["line"], prediction["hardware"]) == ("func.py", 4, "l4")
    assert prediction["gpu_ms"] < 100 == prediction["slo_ms"] < prediction["cpu_ms"]
    assert written["slo_out_of_reach"] == ""

    analyze(_function(tmp_path, _BERT, "[slo]\nlatency_p95_ms = 1\n"), output_format="json")
    assert json.loads(capsys.readouterr().out)["slo_out_of_reach"].startswith("neither can keep 1 ms: CPU ")

    analyze(_function(tmp_path, config="[function]\n"), output_format="json")
    written = json.loads(capsys.readouterr().out)
    assert written["prediction"] is None
    assert written["alternatives"] == [
        {"mode": "cpu_preferred", "condition": "guard func.py:5 with torch.cuda.is_available()"}
    ]


def test_a_pinned_mode_has_no_alternatives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    analyze(_function(tmp_path, config='[mode]\npin = "cpu"\n'), output_format="json")

    assert json.loads(capsys.readouterr().out)["alternatives"] == []


def test_a_notebook_has_no_manifest(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text('{"cells": []}')

    assert analyze(path) is ExitCode.OK
    with pytest.raises(UsageError, match="is a notebook"):
        analyze(path, write=True)
    assert not (tmp_path / "gaia.manifest.toml").exists()
