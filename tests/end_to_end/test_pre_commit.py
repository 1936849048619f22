"""The hooks, run by the real pre-commit on a real repository, from the real list of hooks.

Only the installation is left out: the hooks run in this environment (`language: system`) instead of in one that
pre-commit would fill from a package index with Gaia and the hook's additional dependencies.
"""

import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.notebooks import notebook

pytestmark = pytest.mark.skipif(find_spec("pre_commit") is None, reason="pre-commit is not installed: make dev")

ROOT = Path(__file__).resolve().parents[2]
PINNED = 'import torch\n\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda").tolist()\n'
CLEAN = "def handler(payload):\n    return payload\n"
AUTHOR = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")


class Repository:
    """A repository whose configuration names the hooks of Gaia's own."""

    def __init__(self, root: Path, hooks: Path) -> None:
        self.root = root
        self._home = root.parent
        self.git("init", "--quiet")
        listed = "".join(f"      - id: {name}\n" for name in ("gaia-lint", "gaia-manifest", "gaia-manifest-fix"))
        revision = self.git("rev-parse", "HEAD", at=hooks).stdout.strip()
        self.write(".pre-commit-config.yaml", f"repos:\n  - repo: {hooks}\n    rev: {revision}\n    hooks:\n{listed}")

    def write(self, name: str, text: str) -> None:
        """Write a file and stage it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.git("add", name)

    def git(self, *arguments: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run git."""
        return self._run(["git", *AUTHOR, *arguments], at or self.root)

    def hook(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run one hook on what is staged."""
        return self._run([sys.executable, "-m", "pre_commit", "run", name], self.root, check=False)

    def _run(self, command: list[str], at: Path, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        tools = str(Path(sys.executable).parent)
        own = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PRE_COMMIT_HOME": str(self._home / "cache")}
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | own
        return subprocess.run(command, cwd=at, env=env, capture_output=True, text=True, timeout=90, check=check)


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository with Gaia's list of hooks, as pre-commit clones it."""
    root = tmp_path_factory.mktemp("hooks")
    listed = (ROOT / ".pre-commit-hooks.yaml").read_text()
    listed = re.sub("\n  additional_dependencies: .*", "", listed.replace("language: python", "language: system"))
    (root / ".pre-commit-hooks.yaml").write_text(listed)
    for arguments in (["init", "--quiet"], ["add", "."], [*AUTHOR, "commit", "--quiet", "--message", "hooks"]):
        subprocess.run(["git", *arguments], cwd=root, check=True, timeout=30)
    return root


@pytest.fixture
def repository(tmp_path: Path, hooks: Path) -> Repository:
    root = tmp_path / "repository"
    root.mkdir()
    return Repository(root, hooks)


def test_lint_passes_clean_files_and_stops_others(repository: Repository) -> None:
    repository.write("func.py", CLEAN)
    assert "Passed" in repository.hook("gaia-lint").stdout

    repository.write("function/func.py", PINNED)
    stopped = repository.hook("gaia-lint")
    assert stopped.returncode == 1
    assert "function/func.py:5:" in stopped.stdout
    assert "[GA701]" in stopped.stdout


def test_lint_fixes_what_it_can_with_what_the_hook_installs(repository: Repository) -> None:
    named = (repository.root / ".pre-commit-config.yaml").read_text()
    repository.write(
        ".pre-commit-config.yaml", named.replace("id: gaia-lint\n", "id: gaia-lint\n        args: [--fix]\n")
    )
    repository.write("func.py", PINNED)

    stopped = repository.hook("gaia-lint")
    assert "files were modified by this hook" in stopped.stdout
    assert "fixed 1 place in 1 file" in stopped.stdout
    assert '.to("cuda" if torch.cuda.is_available() else "cpu")' in (repository.root / "func.py").read_text()

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (brought,) = re.findall("additional_dependencies: (.*?) *#", (ROOT / ".pre-commit-hooks.yaml").read_text())
    assert brought == f'["{extras["fix"][0]}"]'


def test_lint_reads_notebooks_too(repository: Repository) -> None:
    repository.write("demo.ipynb", notebook("import torch", 'x = torch.zeros(3).to("cuda")'))

    stopped = repository.hook("gaia-lint")
    assert stopped.returncode == 1
    assert "demo.ipynb:cell 2:1:" in stopped.stdout


def test_lint_sees_only_what_is_staged_and_heeds_the_configuration(repository: Repository) -> None:
    repository.write("gaia.toml", '[lint]\nexclude = ["vendored"]\n')
    repository.write("vendored/func.py", PINNED)
    (repository.root / "unstaged.py").write_text(PINNED)

    assert repository.hook("gaia-lint").returncode == 0


def test_a_manifest_that_is_behind_is_found_and_written(repository: Repository) -> None:
    repository.write("function/func.py", CLEAN)
    repository.write("function/gaia.manifest.toml", "")
    assert "Failed" in repository.hook("gaia-manifest").stdout

    assert "files were modified by this hook" in repository.hook("gaia-manifest-fix").stdout
    repository.git("add", ".")
    assert "Passed" in repository.hook("gaia-manifest").stdout
    assert "Passed" in repository.hook("gaia-manifest-fix").stdout

    repository.write("function/func.py", PINNED)
    behind = repository.hook("gaia-manifest")
    assert behind.returncode == 1
    assert "its mode is cpu, the sources say gpu" in behind.stdout
