"""Every sentence of the documentation that can be checked is checked."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from gaia_cli.app import app
from gaia_cli.project.tables import TABLES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("samples/*/*.md")]
)


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Return the fenced blocks of a document: what stands behind the fence, and the content."""
    for match in re.finditer(r"^```(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE):
        yield match[1].strip(), match[2]


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a user who has followed the setup, with a port of their own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {name: value for name, value in os.environ.items() if not name.startswith("GAIA_")}
    return own | {
        "PATH": path,
        "GAIA_PORT": str(port),
        "GAIA_CACHE_DIR": str(tmp_path / "cache"),
        "GAIA_ENGINE": "process",
    }


def test_the_five_minutes_of_the_readme_work(shell: dict[str, str], tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    section = text.partition("## Your own function in five minutes")[2].partition("\n## ")[0]
    printed = ""
    served: subprocess.Popen[str] | None = None
    asked = 0
    for kind, content in blocks(section):
        command = content.replace("127.0.0.1:8080", f"127.0.0.1:{shell['GAIA_PORT']}")
        if kind == "sh":
            done = subprocess.run(
                ["bash", "-ec", command],
                cwd=tmp_path,
                env=shell,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            printed = done.stdout
            asked += 1
        elif kind == "json":
            assert json.loads(printed) == json.loads(content)
        elif kind == "sh background":
            served = subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=tmp_path, env=shell, stdout=subprocess.PIPE, text=True
            )
            wait_for(served, f"http://127.0.0.1:{shell['GAIA_PORT']} serves")
    assert asked >= 4
    assert served is not None
    assert served.stdout is not None
    served.send_signal(signal.SIGINT)
    assert "summary" in served.stdout.read()
    assert served.wait(timeout=30) == 130
    served.stdout.close()


def wait_for(process: "subprocess.Popen[str]", words: str) -> None:
    """Read the output of `process` until a line has `words` in it."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if words in line:
            return
    pytest.fail(f"it ended without {words!r}:\n{''.join(seen)}")


def test_the_setup_of_the_readme_is_a_make_target() -> None:
    commands = [line for _, content in blocks((ROOT / "README.md").read_text()) for line in content.splitlines()]
    targets = {match[1] for line in commands if (match := re.match(r"make (\w+)", line))}

    assert targets == {"demo", "setup", "test"}
    for target in targets:
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", (ROOT / document).read_text())

    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (ROOT / document).parent.joinpath(link).exists()] == []


def test_every_key_of_the_configuration_is_described() -> None:
    rows = re.findall(
        r"^\| (?:`\[(\w+)\]`)? ?\| (?:`([\w-]+)`)? ?\|", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE
    )
    table = ""
    described: dict[str, set[str]] = {}
    for named, key in rows:
        table = named or table
        described.setdefault(table, set()).update({key} - {""})

    described.pop("", None)
    assert described == {table: set(keys) for table, keys in TABLES.items()}


def test_every_command_and_option_is_described() -> None:
    reference = (ROOT / "docs/reference.md").read_text()
    sections: dict[str, str] = {}
    shared = ""
    for part in re.split(r"\n(?=###? )", reference):
        heading, _, content = part.partition("\n")
        if heading.startswith("## "):
            shared = ""
        named = re.findall(r"gaia ([a-z]+)", heading)
        sections |= dict.fromkeys(named, content + shared)
        shared = shared if named else content  # what the sections below have in common
    commands = get_command(app).commands  # type: ignore[attr-defined]

    assert set(sections) == set(commands)
    for name, command in commands.items():
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        assert {option for option in options - {"--help"} if option not in sections[name]} == set()


def test_every_environment_variable_of_the_command_line_is_described() -> None:
    commands = get_command(app).commands.values()  # type: ignore[attr-defined]
    variables = {parameter.envvar for command in commands for parameter in command.params if parameter.envvar}
    described = (ROOT / "docs/configuration.md").read_text()

    assert {variable for variable in variables if f"`{variable}`" not in described} == set()


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    reasons = (ROOT / "CONTRIBUTING.md").read_text().partition("## Dependencies")[2]

    names = {re.split(r"[<>=\[]", line)[0] for line in project["dependencies"]}
    assert {name for name in names if f"| {name} |" not in reasons} == set()


def test_the_examples_of_gaia_toml_are_valid(tmp_path: Path) -> None:
    from gaia_cli.project.project import load_project

    for kind, content in blocks((ROOT / "docs/configuration.md").read_text()):
        if kind == "toml":
            (tmp_path / "gaia.toml").write_text(content)
            (tmp_path / "requirements-gpu.txt").touch()
            load_project(tmp_path)
