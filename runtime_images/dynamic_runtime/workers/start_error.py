"""A worker that did not become ready, as an exception that carries what is told of it."""

from collections.abc import Iterable
from typing import Any

from runtime_images.policy.model import Backend


class StartError(Exception):
    """A worker did not become ready. `fields` are those of the `setup_failed` event."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(str(fields["message"]))
        self.fields = fields


def start_failure(backend: Backend, kind: str, message: str, log: Iterable[str]) -> dict[str, Any]:
    """The fields of a `setup_failed` event."""
    return {"path": "", "line": 0, "backend": backend, "kind": kind, "message": message, "log": list(log)}
