"""The user's code as it is loaded: imported from its source, whatever it raises told with the user's own line."""

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime_images.dynamic_runtime.worker.contract import SetupError, describe_error
from runtime_images.dynamic_runtime.worker.forms.own_code import FromSource
from runtime_images.entrypoint import Entry, module_name


@dataclass(frozen=True, slots=True)
class Source:
    """An entry point that is to be loaded, in the function's directory. Every method raises SetupError."""

    entry: Entry
    directory: Path

    def holds(self, path: str) -> bool:
        """Return whether the function has a file at `path`."""
        return (self.directory / path).is_file()

    def imported(self) -> Any:  # noqa: ANN401 -- whatever the user bound to the name
        """Import the entry point's file; return what its name is bound to."""
        module = self.imported_module()
        return self.called(lambda: getattr(module, self.entry.attribute))

    def imported_module(self) -> Any:  # noqa: ANN401 -- a module
        """Import the entry point's file."""
        return self.called(self._module)

    def called(self, call: Callable[[], Any], kind: str = "import", doing: str = "on import") -> Any:  # noqa: ANN401
        """Run the user's code; whatever it raises, exits included, becomes a SetupError with the user's own line."""
        try:
            return call()
        except SetupError:
            raise
        except BaseException as error:  # noqa: BLE001 -- the user's code may raise anything
            traceback.print_exc()
            path, line = _users_line(error, self.directory) or (self.entry.path, self.entry.line)
            what = f"exited with {error.code!r}" if isinstance(error, SystemExit) else f"raised {describe_error(error)}"
            raise SetupError(kind, f"{path}:{line} {what} {doing}", path, line) from None

    def library(self, name: str, what: str, package: str) -> Any:  # noqa: ANN401 -- a module of the function's own
        """Import the library that a form is made of; `what` says why it is needed, `package` what to require."""
        try:
            return importlib.import_module(name)
        except ImportError as error:
            if error.name and not name.startswith(error.name):
                return self.called(lambda: importlib.import_module(name))  # it is there, and lacks another
            raise self.misfit(f"{what}, but {package} is not installed: add it to the requirements", "import") from None

    def misfit(self, what: str, kind: str = "signature") -> SetupError:
        """Return the error that says what is wrong with the entry point."""
        entry = self.entry
        return SetupError(kind, f"{entry.path}:{entry.line} {what}", entry.path, entry.line)

    def require_positional(self, target: Any, count: int, wanted: str) -> None:  # noqa: ANN401
        """Check that `target` can be called with so many arguments, which `wanted` names."""
        if not callable(target):
            raise self.misfit(f"{self.entry.attribute} is {kind_of(target)}, not callable")
        try:
            signature = inspect.signature(target)
        except (TypeError, ValueError):
            return  # a callable from C says nothing about its parameters: the first call will show
        try:
            signature.bind(*[None] * count)
        except TypeError:
            raise self.misfit(f"{self.entry.attribute}{signature} must accept {wanted}") from None

    def _module(self) -> Any:  # noqa: ANN401 -- a module
        name = module_name(self.entry.path, self.holds)
        is_importable = all(part.isidentifier() for part in name.split("."))
        if is_importable and name not in sys.modules:  # one of Python's own may have the name, as `site`
            return importlib.import_module(name)
        path = str(self.directory / self.entry.path)
        spec = importlib.util.spec_from_file_location("function_entry", path, loader=FromSource("function_entry", path))
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def is_async(target: Any) -> bool:  # noqa: ANN401
    """Return whether a callable belongs on an event loop. What only returns an awaitable may block until it does."""
    called = (target, type(target).__call__)
    return any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in called)


def kind_of(value: object) -> str:
    """Return what a value is, for a message."""
    return "None" if value is None else f"an object of type {type(value).__name__}"


def _users_line(error: BaseException, directory: Path) -> tuple[str, int] | None:
    """Return the innermost place in the function's own files that the exception passed through."""
    if isinstance(error, SyntaxError) and error.filename:
        places = [(error.filename, error.lineno or 0)]
    else:
        frames = traceback.extract_tb(error.__traceback__)
        places = [(frame.filename, frame.lineno or 0) for frame in reversed(frames)]
    for filename, line in places:
        path = Path(filename)
        if path.is_relative_to(directory) and "site-packages" not in path.parts:
            return str(path.relative_to(directory)), line
    return None
