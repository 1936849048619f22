"""The pipelines of docs/ci as their services read them: jobs with variables and commands, to be looked at and run.

As much of both forms as the two files use; whatever else stands there is an error, not passed over.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_ROOT = Path(__file__).resolve().parents[2] / "docs" / "ci"
GITHUB = _ROOT / "github-actions.yml"
GITLAB = _ROOT / "gitlab-ci.yml"
INSTALL = re.compile(r'pip install (?:--quiet )?"\$GAIA"')
"""What the tests leave out: Gaia is installed here already, and this version of it nowhere else."""

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_GITLAB_WORDS = {"stages", "workflow", "variables", "default"}


def read(path: Path) -> dict[Any, Any]:
    """Return what a pipeline's file says."""
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(said, dict)
    return said


@dataclass
class Runner:
    """A machine that runs jobs of one checkout; `variables` are what the service, and its settings, hand in."""

    checkout: Path
    temporary: Path
    variables: dict[str, str]
    expressions: dict[str, str] = field(default_factory=dict)
    said: str = ""

    def shell(self, commands: str, more: Mapping[str, str]) -> int:
        """Run commands as both services do, with the end at the first that fails; keep what they print."""
        path = f"{Path(os.sys.executable).parent}:{os.environ['PATH']}"  # type: ignore[attr-defined]
        environ = {"PATH": path, "HOME": str(self.temporary), **self.variables, **more}
        environ |= {name: os.environ[name] for name in ("GAIA_CACHE_DIR",) if name in os.environ}
        done = subprocess.run(
            ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", commands],
            cwd=self.checkout,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self.said += done.stdout
        return done.returncode

    def filled(self, text: object) -> str:
        """Return a value of a workflow with its expressions filled in.

        Raises:
            KeyError: it asks for something that no test hands in.
        """
        return _EXPRESSION.sub(lambda match: self.expressions[match[1]], str(text))


def run_github(runner: Runner, job: str) -> int:
    """Run the commands of a job of the workflow, as a runner with a fresh environment; return the first failure."""
    workflow = read(GITHUB)
    said = workflow["jobs"][job]
    kept, output = runner.temporary / "env", runner.temporary / "output"
    for file in (kept, output):
        file.write_text("", encoding="utf-8")
    variables = {name: runner.filled(value) for name, value in (workflow["env"] | said.get("env", {})).items()}
    places = {
        "RUNNER_TEMP": str(runner.temporary),
        "GITHUB_ENV": str(kept),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(runner.temporary / "summary"),
    }
    for step in said["steps"]:
        if "run" not in step or INSTALL.fullmatch(step["run"]):
            continue
        own = {name: runner.filled(value) for name, value in step.get("env", {}).items()}
        code = runner.shell(step["run"], variables | runner.variables | places | _lines(kept) | own)
        if code:
            return code
    for name, value in _lines(output).items():
        runner.expressions[f"needs.{job}.outputs.{name}"] = value
    return 0


def _lines(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines())


def gitlab_jobs() -> dict[str, dict[str, Any]]:
    """Return the jobs by name, without the templates."""
    said = read(GITLAB)
    return {name: job for name, job in said.items() if name not in _GITLAB_WORDS and not name.startswith(".")}


def gitlab_commands(job: Mapping[str, Any]) -> str:
    """Return the commands of a job, those that it takes from templates among them."""
    return "\n".join(_flat(job["script"]))


def _flat(script: object) -> Iterator[str]:
    for one in script if isinstance(script, list) else [script]:
        if isinstance(one, list):
            yield from _flat(one)
        else:
            yield str(one)


def run_gitlab(runner: Runner, job: str) -> int:
    """Run the commands of a job, and hand what it reports as variables to those that follow."""
    said = gitlab_jobs()[job]
    # the engine of the tests' machine, instead of the service beside the job
    variables = {name: value for name, value in read(GITLAB)["variables"].items() if not name.startswith("DOCKER_")}
    code = runner.shell(gitlab_commands(said), variables | runner.variables)
    report = said.get("artifacts", {}).get("reports", {}).get("dotenv")
    if report and not code:
        runner.variables |= _lines(runner.checkout / report)
        (runner.checkout / report).unlink()  # the next job has a checkout of its own
    return code
