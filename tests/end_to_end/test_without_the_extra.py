"""What a cluster's verbs say where the extra `deploy` is not installed."""

import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT = """
import importlib.util, sys
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name in ("lightkube", "httpx2") else real(name, *more)
sys.modules["lightkube"] = sys.modules["httpx2"] = None
from gaia_cli.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
VERBS = [
    "deploy . -y",
    "deploy . -y --image registry.example/team/hello:1",
    "deploy . --dry-run=client -o yaml",
    "diff .",
    "doctor . --target prod",
    "list",
    "describe hello",
    "logs hello",
    "delete hello -y",
    "switch hello gpu --context here",
    "pin hello --context here",
    "unpin hello --context here",
    "controller run",
    "controller install --image registry.example/controller:1",
    "controller status",
    "controller uninstall",
]


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_of_a_cluster_names_the_extra_that_it_needs(verb: str, tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text("def handler(payload):\n    return payload\n")
    (tmp_path / "gaia.toml").write_text('[function]\nname = "hello"\n\n[targets.prod]\nnamespace = "prod"\n')

    command = [sys.executable, "-c", WITHOUT, *verb.split()]
    ended = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert (ended.returncode, "gaia-faas[deploy]" in ended.stderr) == (3, True), ended.stderr
