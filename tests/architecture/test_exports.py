"""What a package exports is its `__all__`: sorted, without duplicates, and all there."""

import importlib

from tests.architecture.sources import listed, modules


def test_the_exported_names_are_sorted_and_there() -> None:
    wrong = []
    for name in (module.name for module in modules() if module.is_init):
        package = importlib.import_module(name)
        exported = list(getattr(package, "__all__", []))
        missing = [export for export in exported if not hasattr(package, export)]
        if missing or exported != sorted(set(exported)):
            wrong.append(f"{name}: {missing or exported}")

    assert not wrong, listed("sort __all__, name nothing twice and only what is there", wrong)


def test_every_package_says_what_it_is() -> None:
    silent = [
        module.path for module in modules() if module.is_init and not importlib.import_module(module.name).__doc__
    ]

    assert not silent, listed("give the package a docstring", silent)
