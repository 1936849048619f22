"""A function's modules are found where those who serve such projects elsewhere would find them."""

import pytest

from runtime_images.entrypoint import import_folders, module_name, package_folder


@pytest.mark.parametrize(
    ("path", "packages", "folders", "module"),
    [
        ("func.py", (), [""], "func"),
        ("function/func.py", ("function",), ["", "function"], "function.func"),
        ("function/__init__.py", ("function",), ["", "function"], "function"),
        ("src/main.py", (), ["", "src"], "src.main"),
        ("src/main.py", ("src",), ["", "src"], "src.main"),
        ("src/greeter/main.py", ("src/greeter",), ["", "src/greeter", "src"], "greeter.main"),
        ("src/greeter/main.py", (), ["", "src/greeter", "src"], "src.greeter.main"),
        (
            "backend/app/api/main.py",
            ("backend/app", "backend/app/api"),
            ["", "backend/app/api", "backend"],
            "app.api.main",
        ),
        ("src/app/main.py", ("src", "src/app"), ["", "src/app", "src"], "src.app.main"),
    ],
)
def test_a_package_is_imported_from_the_folder_above_it(
    path: str, packages: tuple[str, ...], folders: list[str], module: str
) -> None:
    def holds(file: str) -> bool:
        return file in {f"{package}/__init__.py" for package in packages}

    assert list(import_folders(path, holds)) == folders
    assert module_name(path, holds) == module


def test_a_folder_that_is_no_package_ends_the_search() -> None:
    assert package_folder("a/b/c/main.py", {"a/__init__.py", "a/b/c/__init__.py"}.__contains__) == "a/b"
