"""Functions of functions-framework, served by the framework itself: it makes a Flask application of them.

The framework loads a file by itself, with Python's own loader. So it is given the file beside this one, which asks
here for the function (`target`): that way the function's own files are imported as all others are.
"""

import inspect
import sys
from pathlib import Path
from typing import Any

from runtime_images.dynamic_runtime.worker.contract import LoadedFunction
from runtime_images.dynamic_runtime.worker.forms import plain_and_asgi, wsgi
from runtime_images.dynamic_runtime.worker.forms.source import Source

_FRAMEWORK = "functions_framework"
_SHIM = Path(__file__).with_name("framework_target.py")

_loading: list[Source] = []


def build(source: Source) -> LoadedFunction:
    """Build a function that the framework serves over HTTP, or for CloudEvents, as its decorator says."""
    what = f"{source.entry.attribute} is a function of functions-framework"
    framework = source.library(_FRAMEWORK, what, "functions-framework")
    signature = "event" if _takes_background_event(source.imported()) else None  # a decorator goes before it
    _loading.append(source)
    path = sys.path.copy()
    application = source.called(lambda: framework.create_app(source.entry.attribute, str(_SHIM), signature))
    sys.path[:] = path  # the framework adds the folder of the file that it has loaded
    application.template_folder = str((source.directory / source.entry.path).parent / "templates")
    if wsgi.is_application(application):
        return wsgi.served(source, application)
    return plain_and_asgi.asgi(source, application, owner=None)  # a decorator of functions_framework.aio


def _takes_background_event(function: Any) -> bool:  # noqa: ANN401
    """Return whether a function is one of the first generation, `(event, context)`."""
    try:
        inspect.signature(function).bind(None, None)
    except (TypeError, ValueError):
        return False
    return True


def target() -> tuple[str, Any]:
    """Import the function that is being loaded; return its name and itself."""
    source = _loading.pop()
    return source.entry.attribute, source.imported()
