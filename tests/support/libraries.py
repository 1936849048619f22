"""Environments with the real libraries that functions are written with, for `GAIA_FUNCTION_PYTHON`.

Each is made once for all tests, with pip, and kept beside the system's other temporary files: it takes seconds.
"""

import fcntl
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

_MADE = "made"


def python_with(*packages: str) -> str:
    """Return the interpreter of an environment with these packages; skip the test where pip cannot get them."""
    name = hashlib.sha256(repr((sys.version, packages)).encode()).hexdigest()[:12]
    directory = Path(tempfile.gettempdir()) / f"gaia-test-libraries-{name}"
    directory.mkdir(exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests that run beside this one want the same
        if not (directory / _MADE).exists():
            _make(directory / "environment", packages)
            (directory / _MADE).touch()
    return str(directory / "environment" / "bin" / "python")


def _make(directory: Path, packages: tuple[str, ...]) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", directory], check=True, timeout=100)
    pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    got = subprocess.run([*pip, *packages], capture_output=True, text=True, timeout=100, check=False)
    if got.returncode:
        pytest.skip(f"pip cannot get {', '.join(packages)}: {got.stderr.strip().splitlines()[-1]}")
