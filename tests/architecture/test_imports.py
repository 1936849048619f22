"""The import rules of the architecture, and the one module that may import each heavy library."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.architecture.sources import PACKAGES, ROOT, Module, listed, modules, under

IMPORTERS = {
    "tomli_w": ("analyzers/manifest.py",),
    "uvloop": (
        "runtime_images/dynamic_runtime/__main__.py",
        "runtime_images/dynamic_runtime/worker/main.py",
        "runtime_images/dynamic_runtime/worker/forking/zygote.py",
    ),
    "astroid": ("analyzers/facts/stage2.py",),
    "docker": ("gaia_cli/engines/docker_api/",),
    "httptools": (
        "runtime_images/dynamic_runtime/edge/slow_path.py",
        "gaia_cli/running/playing/http_client.py",
    ),
    "libcst": ("gaia_cli/linting/fixes/rewriting.py",),
    "packaging": ("analyzers/project/requirements.py",),
    "pathspec": ("gaia_cli/images/context.py",),
    "plotly": ("gaia_cli/views/simulation_plot.py",),
    "prometheus_client": (
        "runtime_images/dynamic_runtime/telemetry/metrics.py",
        "runtime_images/dynamic_runtime/telemetry/readings.py",
        "runtime_images/controller/telemetry.py",
    ),
    "pynvml": ("runtime_images/dynamic_runtime/telemetry/devices.py",),
    "rich": ("gaia_cli/views/",),
    "typer": ("gaia_cli/app.py", "gaia_cli/verbs/", "gaia_cli/simulator/options.py", "gaia_cli/__main__.py"),
    "virtualenv": (),
    "websockets": ("runtime_images/dynamic_runtime/edge/web_sockets/conversation.py",),
    "yaml": (
        "analyzers/project/dependency_lists.py",
        "gaia_cli/targets/kubeconfig/files.py",
        "gaia_cli/targets/yaml_text.py",
        "gaia_cli/project/foreign/yaml_nodes.py",
    ),
}
"""Where a library may be imported: files, or folders ending in a slash."""

WORKER_ROOMS = ("runtime_images/dynamic_runtime/wire", "runtime_images/dynamic_runtime/worker")
WORKER_FRIENDS = {
    "runtime_images.dynamic_runtime.background",
    "runtime_images.dynamic_runtime.settings",
    "runtime_images.entrypoint",
    "runtime_images.policy.model",
}
"""What the worker's side may import beside its own rooms: it runs in the function's environment, too."""
WORKER_LIBRARIES = sys.stdlib_module_names | {"runtime_images", "uvloop"}


def test_the_contracts_are_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout


def test_a_heavy_library_is_imported_in_its_place_only() -> None:
    elsewhere = [
        f"{module.path} imports {library}, which is for {', '.join(places) or 'no module'}"
        for library, places in IMPORTERS.items()
        for module in modules()
        if library in module.libraries and not module.path.startswith(places or " ")
    ]

    assert not elsewhere, listed("ask the module that wraps the library, or change the table above", elsewhere)


def test_the_table_names_only_places_that_import() -> None:
    idle = [
        f"{place} does not import {library}"
        for library, places in IMPORTERS.items()
        for place in places
        if (ROOT / place).exists() and not any(m.path.startswith(place) and library in m.libraries for m in modules())
    ]

    assert not idle, listed("take the place out of the table above", idle)


def test_the_worker_rooms_import_the_standard_library_and_few_rooms() -> None:
    """Anything else would have to be in the environment of every function."""
    own = {module.name for module in under(*WORKER_ROOMS)}
    there = {module.name for module in modules()} - {module.name for module in modules() if module.is_init}
    foreign = [
        f"{module.path} imports {name}"
        for module in under(*WORKER_ROOMS)
        for name in sorted(module.imports & there - own - WORKER_FRIENDS)
    ]

    assert not foreign, listed("move what is shared to wire, or hand it over as an argument", foreign)


def test_what_the_worker_rooms_reach_imports_the_standard_library_only() -> None:
    foreign = [
        f"{module.path} imports {library}"
        for module in reached_from(*under(*WORKER_ROOMS))
        for library in sorted(module.libraries - WORKER_LIBRARIES)
    ]

    assert not foreign, listed("keep libraries out of what runs in a function's environment", foreign)


def reached_from(*start: Module) -> list[Module]:
    """Return these modules and all that they import, directly or not."""
    by_name = {module.name: module for module in modules()}
    reached = {module.name: module for module in start}
    left = list(start)
    while left:
        for name in left.pop().imports & by_name.keys() - reached.keys():
            reached[name] = by_name[name]
            left.append(by_name[name])
    return list(reached.values())


def test_every_room_is_named_in_a_contract() -> None:
    """A new folder gets its place among the layers, or is said to be independent of its siblings."""
    named = list(rooms_in_contracts())
    unnamed = [
        module.folder
        for module in modules()
        if module.is_init
        and module.folder not in PACKAGES
        and not any(pattern.fullmatch(module.name) for pattern in named)
    ]

    assert not unnamed, listed("name the room in a contract of layers or independence in pyproject.toml", unnamed)


def test_imports_for_the_type_checker_count() -> None:
    assert linter_settings().get("exclude_type_checking_imports", False) is False


def rooms_in_contracts() -> Iterator[re.Pattern[str]]:
    """Return the modules in the contracts that order them, as patterns: `*` is one name, `**` is many."""
    for contract in linter_settings()["contracts"]:
        if contract["type"] not in ("layers", "independence", "forbidden"):
            continue
        layers = [part.strip(" ()") for layer in contract.get("layers", ()) for part in re.split("[|:]", layer)]
        inside = [f"{container}.{layer}" for container in contract.get("containers", ()) for layer in layers]
        for name in (*(inside or layers), *contract.get("modules", ()), *contract.get("source_modules", ())):
            yield re.compile(re.escape(name).replace(r"\*\*", r"[\w.]+").replace(r"\*", r"\w+"))


def linter_settings() -> dict[str, Any]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    assert isinstance(settings, dict)
    return settings


def test_nothing_is_printed_outside_the_views() -> None:
    printing = [
        module.path
        for module in modules()
        if not module.path.startswith(("gaia_cli/views/", "runtime_images/"))
        and ("sys.stdout.write" in module.text or "sys.stderr.write" in module.text)
    ]

    assert not printing, listed("return what is to be shown, and let a view write it", printing)
