from pathlib import Path

import pytest

from gaia_cli.errors import AnalysisError, FunctionError
from gaia_cli.project.choices import ModeName
from gaia_cli.project.serving import mode_of, servable_project, settings_of
from runtime_images.policy.model import ExecutionMode, Slo


def written(directory: Path, *, code: str = "def handler(payload): ...\n", configuration: str = "") -> Path:
    (directory / "func.py").write_text(code)
    (directory / "gaia.toml").write_text(configuration)
    return directory


def test_a_project_without_an_entry_point_cannot_be_served(tmp_path: Path) -> None:
    with pytest.raises(FunctionError, match="entry point"):
        servable_project(written(tmp_path, code="x = 1\n"))


@pytest.mark.parametrize(
    ("code", "requirements", "library"),
    [
        (
            "import functions_framework\n@functions_framework.http\ndef f(request): ...\n",
            "flask\n",
            "functions-framework",
        ),
        (
            "import functions_framework\n@functions_framework.http\ndef f(request): ...\n",
            "Functions_Framework==3.*\n",
            "",
        ),
        ("import functions_framework\n@functions_framework.http\ndef f(request): ...\n", "a==1 --hash=sha256:00\n", ""),
        ("from cog import BasePredictor\nclass P(BasePredictor): ...\n", "", "cog"),
        ("import boto3\ndef lambda_handler(event, context): ...\n", "", "boto3"),
        ("import boto3\ndef lambda_handler(event, context): ...\n", "boto3<2\n", ""),
        ("import store\ndef lambda_handler(event, context): ...\n", "", "boto3"),
        ("def lambda_handler(event, context): ...\n", "", ""),
        ("from flask import Flask\napp = Flask('x')\n", "", ""),
        ("def handler(payload): ...\n", "", ""),
    ],
)
def test_what_a_forms_own_platform_installs_need_not_be_required(
    tmp_path: Path, code: str, requirements: str, library: str
) -> None:
    (tmp_path / "requirements.txt").write_text(requirements)
    (tmp_path / "store.py").write_text("from boto3 import client\n")
    project = servable_project(written(tmp_path, code=code))

    assert project.library.lines == tuple(filter(None, [library]))
    assert (project.library in project.requirements_for(gpu=False)) is bool(library)


def test_the_mode_asked_for_stands_above_the_pin_and_the_pin_above_the_verdict(tmp_path: Path) -> None:
    pinned = servable_project(written(tmp_path, configuration='[mode]\npin = "cpu_preferred"\n'))

    assert mode_of(pinned, tmp_path, ModeName.GPU) == (ExecutionMode.GPU, "asked for")
    assert mode_of(pinned, tmp_path) == (ExecutionMode.CPU_PREFERRED, "pinned in the configuration")

    unpinned = servable_project(written(tmp_path))
    mode, reason = mode_of(unpinned, tmp_path)
    assert mode is ExecutionMode.CPU
    assert "confidence" in reason


def test_a_file_that_cannot_be_analyzed_is_named_with_its_line(tmp_path: Path) -> None:
    project = servable_project(written(tmp_path, code="import broken\n\ndef handler(payload): ...\n"))
    (tmp_path / "broken.py").write_text("\ndef (\n")

    with pytest.raises(AnalysisError, match=r"broken\.py:2: "):
        mode_of(project, tmp_path)


def test_the_settings_carry_what_the_configuration_says(tmp_path: Path) -> None:
    configuration = "[slo]\nlatency_p95_ms = 9\n\n[run]\nconcurrency = 3\nidempotent = true\nmax_body_mb = 2\n"
    project = servable_project(written(tmp_path, configuration=configuration))

    settings = settings_of(project, ExecutionMode.CPU, port=0)

    assert settings.slo == Slo(latency_p95_ms=9.0)
    assert (settings.concurrency, settings.idempotent, settings.max_body_bytes) == (3, True, 2 * 1024 * 1024)
    assert (settings.mode, settings.port, settings.function_dir) == (ExecutionMode.CPU, 0, tmp_path)
