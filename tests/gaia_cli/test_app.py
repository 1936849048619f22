import re

import pytest
from typer.main import get_command

from gaia_cli.app import app
from gaia_cli.project.choices import AcceleratorName, ModeName
from runtime_images.policy.model import Accelerator, ExecutionMode
from tests.support.cli import call_gaia

VERBS = (
    *("init", "analyze", "lint", "rule", "rules", "manifest", "build", "run", "invoke"),
    *("deploy", "diff", "doctor", "simulate"),
    *("list", "describe", "logs", "delete", "switch", "pin", "unpin"),
    "version",
)


def test_the_verbs_are_those_that_exist() -> None:
    assert tuple(get_command(app).commands) == (*VERBS, "controller")  # type: ignore[attr-defined]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_shows_an_example_that_begins_with_it(verb: str) -> None:
    assert f"Example: gaia {verb} " in call_gaia(verb, "--help").stdout


@pytest.mark.parametrize("verb", VERBS)
def test_no_summary_is_cut_off_in_the_list_of_verbs(verb: str) -> None:
    line = next(line for line in call_gaia("--help").stdout.splitlines() if line.startswith(f"  {verb} "))

    assert line.endswith(".")
    assert not line.endswith("...")


def test_the_options_of_run_name_their_environment_variables() -> None:
    shown = re.sub(r"\s+", " ", call_gaia("run", "--help").stdout)

    for variable in ("GAIA_ENGINE", "GAIA_ACCELERATOR", "GAIA_PORT", "GAIA_SLO_P95_MS", "GAIA_MODE"):
        assert f"env var: {variable}" in shown


def test_an_option_can_come_from_the_environment() -> None:
    failed = call_gaia("run", ".", env={"GAIA_PORT": "no number"})

    assert failed.returncode == 2
    assert "GAIA_PORT" in failed.stderr


def test_the_shell_completes_verbs_and_choices() -> None:
    verbs = call_gaia(env={"_GAIA_COMPLETE": "complete_bash", "COMP_WORDS": "gaia in", "COMP_CWORD": "1"})
    engines = call_gaia(env={"_GAIA_COMPLETE": "complete_bash", "COMP_WORDS": "gaia run --engine ", "COMP_CWORD": "3"})

    assert verbs.stdout.split() == ["init", "invoke"]
    assert engines.stdout.split() == ["auto", "process", "docker"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_can_be_shown(shell: str) -> None:
    assert "_GAIA_COMPLETE" in call_gaia("--show-completion", shell).stdout


def test_the_words_of_the_flags_are_those_of_the_policy() -> None:
    assert [str(name) for name in ModeName] == [str(mode) for mode in ExecutionMode]
    assert list(AcceleratorName) == ["auto", *Accelerator]
