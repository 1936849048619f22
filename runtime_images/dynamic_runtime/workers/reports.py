"""What a worker reports of itself in JSON, checked: function code can write anything to its socket.

Unknown facts are left out; every other one has the type that the runtime relies on.
"""

import json
from collections.abc import Iterable
from typing import Any

from runtime_images.dynamic_runtime.wire.frames import LONGEST_TEXT, Frame, FrameError, Kind
from runtime_images.events.lifecycle import SetupFailed
from runtime_images.policy.model import Backend

_TYPES: dict[int, dict[str, type]] = {
    Kind.READY: {"entry": str, "form": str, "blocking": bool, "threads": int, "hooks": list},
    Kind.FAILED: {"kind": str, "message": str, "path": str, "line": int},
    Kind.HEALTH_ANSWER: {"well": bool, "text": str},
    Kind.ENDING: {"what": str, "cut_off": bool},
}
_NEEDED = {Kind.FAILED: {"kind", "message"}}


class StartError(Exception):
    """A worker did not become ready; `failure` is the event that reports it."""

    def __init__(self, backend: Backend, log: Iterable[str], **facts: Any) -> None:  # noqa: ANN401 -- a FAILED frame's
        super().__init__(str(facts["message"]))
        self.failure = SetupFailed(backend, **facts, log=tuple(log))


def facts_of(frame: Frame) -> dict[str, Any]:
    """Return the facts that a frame holds.

    Raises:
        FrameError: its body is not what a worker sends.
    """
    try:
        content = json.loads(frame.body)
    except (ValueError, RecursionError):
        raise FrameError("a frame whose body is no JSON") from None
    if not isinstance(content, dict):
        raise FrameError("a frame whose body is no object")
    types = _TYPES.get(frame.kind, {})
    facts = {name: value for name, value in content.items() if name in types}
    if not all(isinstance(value, types[name]) for name, value in facts.items()):
        raise FrameError("a frame with facts of another type")
    if not _NEEDED.get(Kind(frame.kind), set()) <= facts.keys():
        raise FrameError("a frame without the facts that it must have")
    return {name: value[:LONGEST_TEXT] if isinstance(value, str) else value for name, value in facts.items()}
