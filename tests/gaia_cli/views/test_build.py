from pathlib import Path

import pytest

from gaia_cli.engines.build import BuiltImage
from gaia_cli.images.plan import Target, plan_image
from gaia_cli.images.recipes import base_images
from gaia_cli.project.project import FunctionProject
from gaia_cli.views.build import report
from runtime_images.policy.model import ExecutionMode


def test_the_next_command_raises_the_whole_wall_with_the_functions_own_limits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = FunctionProject(Path("/somewhere"), "hello", memory="512m", cpus=2.0)
    plan = plan_image(project, Target(ExecutionMode.CPU, running_python="3.12"), "{}", base_images())

    report(BuiltImage("sha256:0", ("gaia/hello:1",), plan, 1_000_000, (), 1.0), "asked for", as_json=False)

    (line,) = [line for line in capsys.readouterr().out.splitlines() if "next" in line]
    for option in (
        "--rm",
        "--read-only",
        "--tmpfs /tmp:",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--pids-limit 2048",
        "--stop-timeout 40",
        "--memory 512m --memory-swap 512m",
        "--cpus 2",
        "-p 127.0.0.1:8080:8080",
    ):
        assert f" {option}" in line
    assert line.endswith(" gaia/hello:1")
