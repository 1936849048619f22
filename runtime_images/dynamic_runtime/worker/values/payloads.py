"""From a request's body to a plain handler's payload: what its content type says, in the coding that it names.

Nothing is guessed but this: a body without a type is JSON if it reads as JSON, else the bytes that came, and JSON under
the name of a form is JSON, because that is what curl sends. Where a name stands more than once, in a form or a query,
its value is the list of all: to keep one of them would lose the others without a word.
"""

import codecs
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from runtime_images.dynamic_runtime.worker.values.multipart import parts_of

_FORM = b"application/x-www-form-urlencoded"
_MULTIPART = b"multipart/form-data"
_NO_TEXT = frozenset(("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"))
"""Codings that are Python's own, or take quadratic time, or are there to slip past a reader."""

_REMEMBERED_TYPES = 128


class PayloadError(ValueError):
    """The request body cannot be decoded as its content type says."""


def decode_payload(content_type: bytes, body: bytes, query: bytes) -> Any:  # noqa: ANN401 -- JSON's own type
    """Return what a plain handler gets: JSON decoded, text as str, forms as dict, other types as bytes.

    Without a body it gets the query's parameters.

    Raises:
        PayloadError: the body is not the JSON, text or form, that its content type announces.
    """
    if not body:
        return fields(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    kind, charset = _media_type(content_type)
    try:
        return _decode(kind, charset, content_type, body)
    except (ValueError, LookupError, RecursionError) as error:
        raise PayloadError(f"the body is not valid {kind.decode('latin-1')}: {error}") from None


def _decode(kind: bytes, charset: str, content_type: bytes, body: bytes) -> Any:  # noqa: ANN401
    if not kind:
        return _json_or_bytes(body)
    if kind.endswith((b"/json", b"+json")):
        return _from_json(body if charset == "utf-8" else body.decode(_text_coding(charset)).encode())
    if kind.startswith(b"text/"):
        return body.decode(_text_coding(charset))
    if kind == _FORM:
        return _form_or_json(body, _text_coding(charset))
    if kind == _MULTIPART:
        return fields(parts_of(content_type, body, _text_coding(charset)))
    return body


@lru_cache(maxsize=_REMEMBERED_TYPES)
def _media_type(content_type: bytes) -> tuple[bytes, str]:
    """Return the type without its parameters, and the charset that they name; clients use few of them."""
    kind, _, parameters = content_type.partition(b";")
    named = re.search(rb"""(?:^|;)[ \t]*charset[ \t]*=[ \t]*["']?([^"';\s]+)""", parameters, re.IGNORECASE)
    return kind.strip().lower(), named[1].decode("latin-1").lower() if named else "utf-8"


def _text_coding(charset: str) -> str:
    """Return the name of the codec for a charset, or raise LookupError if it is none for text from strangers."""
    name = codecs.lookup(charset).name
    if name.replace("_", "-") in _NO_TEXT:
        raise LookupError(f"the charset {charset} is not for text")
    return name


def fields(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields of a form or query by name; the value of a name that is there more than once is a list."""
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: all_of_it if len(all_of_it) > 1 else all_of_it[0] for name, all_of_it in values.items()}


_decode_first = json.JSONDecoder().raw_decode
"""Made once: json.loads would guess the coding of bytes, which costs a short request more than its parsing
(`benchmarks.serving`, "trivial", gaia handler)."""


def _from_json(body: bytes) -> Any:  # noqa: ANN401
    try:
        text = body.decode()
        value, end = _decode_first(text)
    except ValueError:
        return json.loads(body)  # white space in front, another coding than UTF-8, or the same error
    return value if end == len(text) else json.loads(body)


def _json_or_bytes(body: bytes) -> Any:  # noqa: ANN401
    try:
        return _from_json(body)
    except ValueError:
        return body


def _form_or_json(body: bytes, coding: str) -> Any:  # noqa: ANN401
    """Return JSON that curl has sent, by default under the name of a form; else the form's fields."""
    try:
        return json.loads(body)
    except ValueError:
        if body.lstrip().startswith((b"{", b"[")) and b"=" not in body:
            raise  # JSON with a fault in it
    return fields(parse_qsl(body.decode(coding), keep_blank_values=True, encoding=coding))
