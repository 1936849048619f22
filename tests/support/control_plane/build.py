"""The programs of the control plane, built from the go.mod files beside this file into a directory of the user's cache.

Each go.mod holds nothing but `tool` lines and the versions. A stamp beside the programs says from which go.mod they
were built, so that a second build takes no time, and one after a new version builds what has changed. The YAML files
that install Knative lie in the same modules and are copied, so that to start a plane takes no Go.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

MODULES = Path(__file__).with_name("programs")
NAMES = ("etcd", "kubernetes", "knative", "kwok")

NEWEST_KNATIVE = "knative.dev/serving@v0.51.0"
"""Of this one only the files can be read: a module that it needs is served by no proxy."""

_VERSION = "k8s.io/component-base/version"
_KUBERNETES = "v1.36.3"
_FLAGS = " ".join(
    [
        "-s -w",
        # Knative refuses an API server whose version is none.
        f"-X {_VERSION}.gitVersion={_KUBERNETES} -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=36",
        f"-X {_VERSION}.gitCommit=0 -X {_VERSION}.gitTreeState=clean",
    ]
)


class BuildError(Exception):
    """The programs cannot be built here; the sentence says why."""


def programs() -> Path:
    """Return the directory of the programs: GAIA_TEST_PLANE_BIN, else one in the user's cache."""
    if chosen := os.environ.get("GAIA_TEST_PLANE_BIN"):
        return Path(chosen)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "gaia-tests" / "control-plane"


def missing() -> str:
    """Return why the programs cannot be used, empty if they can."""
    stale = [name for name in NAMES if not _is_built(name)]
    if not stale and (programs() / "manifests").is_dir():
        return ""
    if shutil.which("go") is None:
        return "there is no Go to build a control plane with: install Go 1.26 or later"
    return "the control plane is not built: run `make test-cluster`, which takes ten minutes the first time"


def build(report: Callable[[str], None]) -> None:
    """Build what is missing or of another version.

    Raises:
        BuildError: there is no Go, or it fails.
    """
    if shutil.which("go") is None:
        raise BuildError("there is no Go: install Go 1.26 or later")
    programs().mkdir(parents=True, exist_ok=True)
    with (programs() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in NAMES:
            if not _is_built(name):
                report(f"building {name}")
                _build_module(name)
        if not (programs() / "manifests").is_dir():
            _copy_manifests()


def _build_module(name: str) -> None:
    with tempfile.TemporaryDirectory(prefix="gaia-build-") as work:
        shutil.copy(MODULES / name / "go.mod", work)
        _go(work, "mod", "tidy")
        # A single tool is named after the folder, which for etcd is `v3`.
        output, target = (
            (programs() / "etcd", "go.etcd.io/etcd/server/v3") if name == "etcd" else (f"{programs()}/", "tool")
        )
        _go(work, "build", "-trimpath", f"-ldflags={_FLAGS}", "-o", str(output), target)
    _stamp(name).write_text(_recipe(name))


def _copy_manifests() -> None:
    """Copy the YAML files that install Knative, and the newest definitions of its objects."""
    with tempfile.TemporaryDirectory(prefix="gaia-build-", dir=programs()) as work:
        shutil.copy(MODULES / "knative" / "go.mod", work)
        _go(work, "mod", "tidy")
        copied = Path(work) / "manifests"
        for module in ("serving", "networking", "caching"):
            source = Path(json.loads(_go(work, "list", "-m", "-json", f"knative.dev/{module}"))["Dir"]) / "config"
            _copy_yaml(source / "core" if module == "serving" else source, copied / "installed" / module)
        newest = Path(json.loads(_go(work, "mod", "download", "-json", NEWEST_KNATIVE))["Dir"])
        _copy_yaml(newest / "config" / "core" / "300-resources", copied / "newest")
        copied.rename(programs() / "manifests")


def _copy_yaml(source: Path, target: Path) -> None:
    for file in source.rglob("*.yaml"):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())  # the module cache is read-only: a copy of the modes would be, too


def _go(directory: str, *arguments: str) -> str:
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "auto"}
    done = subprocess.run(
        ["go", *arguments], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"go {' '.join(arguments[:2])} failed: {done.stderr[-2000:]}")
    return done.stdout


def _is_built(name: str) -> bool:
    return _stamp(name).exists() and _stamp(name).read_text() == _recipe(name)


def _recipe(name: str) -> str:
    return hashlib.sha256((MODULES / name / "go.mod").read_bytes() + _FLAGS.encode()).hexdigest()


def _stamp(name: str) -> Path:
    return programs() / f"{name}.stamp"
