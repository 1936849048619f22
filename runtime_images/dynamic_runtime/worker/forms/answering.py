"""What the forms share: JSON answers, and whether a type of content is text."""

import json
from typing import Any

from runtime_images.dynamic_runtime.wire.frames import FAILED_HEADER
from runtime_images.dynamic_runtime.worker.exchange import Answer
from runtime_images.dynamic_runtime.worker.values.payloads import PayloadError
from runtime_images.dynamic_runtime.worker.values.results import to_json

_JSON = ((b"content-type", b"application/json"),)
_FAILED = (*_JSON, (FAILED_HEADER, b"true"))
_TEXT = ("application/json", "application/xml", "application/javascript", "application/x-www-form-urlencoded")
_TEXT_ENDINGS = ("+json", "+xml")


def json_answer(value: Any, status: int = 200, *, failed: bool = False) -> Answer:  # noqa: ANN401 -- see to_json
    """Return `value` as an answer in JSON, or raise ResultError. `failed` says that it counts as an error."""
    return Answer(status, _FAILED if failed else _JSON, to_json(value))


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a request's body, an empty one without a body.

    Raises:
        PayloadError: it is none.
    """
    try:
        value = json.loads(body) if body else {}
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise PayloadError("the body is no JSON object")
    return value


def is_text(content_type: str) -> bool:
    """Return whether a content type is that of text."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in _TEXT or kind.endswith(_TEXT_ENDINGS)
