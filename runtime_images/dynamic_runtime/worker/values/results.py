"""From what a plain handler returns to an answer: bytes as they are, images as images, all else as JSON.

Most results are JSON as they stand, and are encoded in one call. Only what is not is looked at (`jsonable.py`): so a
trivial request pays nothing for it. What comes in parts has no head before its first part is there (`parts.py`).
"""

import inspect
import json
from typing import Any

from runtime_images.dynamic_runtime.wire.frames import status_line
from runtime_images.dynamic_runtime.worker.values.jsonable import ResultError, image_bytes, image_format, jsonable
from runtime_images.dynamic_runtime.worker.values.parts import awaited

JSON_TYPE = b"content-type: application/json\r\n"
_JSON_HEAD = status_line(200) + JSON_TYPE
_BYTES_HEAD = status_line(200) + b"content-type: application/octet-stream\r\n"
_ITERATORS = ("__next__", "__anext__", "__aiter__")

_encode_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False).encode
"""Bound once: json.dumps with options makes an encoder for each call. What holds itself recurses."""


def encode(result: Any) -> tuple[bytes, Any]:  # noqa: ANN401 -- JSON's own type
    """Return head and body for a handler's result, or raise ResultError; no head for an iterator, which is returned."""
    if isinstance(result, bytes | bytearray):
        return _BYTES_HEAD, memoryview(result).tobytes()
    try:
        return _JSON_HEAD, _encode_json(result).encode()
    except (TypeError, ValueError, RecursionError):
        pass  # what follows is outside of this block, or each error in it would tell of this one, too
    return _encode_other(result)


def _encode_other(result: Any) -> tuple[bytes, Any]:  # noqa: ANN401
    """Encode what is not JSON as it stands."""
    if inspect.isawaitable(result):  # from a blocking handler, such as a decorator makes of an `async` one
        return encode(awaited(result))
    if isinstance(result, memoryview):
        return _BYTES_HEAD, result.tobytes()
    if (kind := image_format(result)) is not None:
        return status_line(200) + b"content-type: image/%b\r\n" % kind.lower().encode(), image_bytes(result, kind)
    if any(hasattr(result, name) for name in _ITERATORS):
        return b"", result
    return _JSON_HEAD, to_json(result)


def to_json(value: Any) -> bytes:  # noqa: ANN401
    """Return any value as JSON, or raise ResultError."""
    plain = jsonable(value)
    try:
        return _encode_json(plain).encode()
    except UnicodeEncodeError:  # half of a character that UTF-16 writes as two: JSON can only escape it
        return json.dumps(plain, allow_nan=False).encode()
    except (TypeError, ValueError):
        jsonable(plain)  # says where the number is that is none
        raise ResultError("the function returned what JSON cannot hold") from None
