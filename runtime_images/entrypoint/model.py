"""What an entry point is, and the forms in which people write one."""

from dataclasses import dataclass
from enum import StrEnum

FIRST_CANDIDATES = ("func.py", "function/func.py", "function/__init__.py", "handler.py", "main.py", "app.py")
_OF_PLATFORMS = ("lambda_function.py", "index.py", "predict.py", "rp_handler.py", "wsgi.py", "asgi.py")
_BY_NAME = (*FIRST_CANDIDATES, *_OF_PLATFORMS)
CANDIDATES = (*_BY_NAME, *(f"src/{name}" for name in _BY_NAME if "/" not in name))
"""The files that may hold an entry point, relative to the function's directory."""


class EntryForm(StrEnum):
    """How the entry point wants to be called."""

    NEW = "new"
    HANDLE = "handle"
    HANDLER = "handler"
    CLOUDEVENTS = "cloudevents"
    FUNCTIONS_FRAMEWORK = "functions-framework"
    WSGI = "wsgi"
    COG = "cog"
    RUNPOD = "runpod"
    LAMBDA = "lambda"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry point: `path` is relative to the function's directory, `line` where the attribute is bound."""

    path: str
    attribute: str
    form: EntryForm
    line: int


class EntryError(Exception):
    """No usable entry point. `kind` is one of `no_entry`, `two_entries`, `syntax`, `encoding`, `unreadable`."""

    def __init__(self, kind: str, message: str, hint: str, path: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.path = path
        self.line = line
