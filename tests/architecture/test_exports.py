"""What a package exports is its `__all__`: sorted, without duplicates, and all there."""

import importlib
import pkgutil

import pytest

import analyzers
import gaia_cli
import runtime_images

PACKAGES = [
    package.name
    for root in (gaia_cli, analyzers, runtime_images)
    for package in pkgutil.walk_packages(root.__path__, f"{root.__name__}.")
    if package.ispkg
] + ["gaia_cli", "analyzers", "runtime_images"]


@pytest.mark.parametrize("name", PACKAGES)
def test_the_exported_names_are_sorted_and_there(name: str) -> None:
    package = importlib.import_module(name)
    exported = list(getattr(package, "__all__", []))

    assert exported == sorted(set(exported))
    assert [missing for missing in exported if not hasattr(package, missing)] == []


@pytest.mark.parametrize("name", PACKAGES)
def test_every_package_says_what_it_is(name: str) -> None:
    assert importlib.import_module(name).__doc__
