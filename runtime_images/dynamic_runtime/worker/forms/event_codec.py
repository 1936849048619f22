"""CloudEvents 1.0 over HTTP, in both of its modes: attributes in headers (binary), or all in one JSON document."""

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

from runtime_images.dynamic_runtime.worker.values.payloads import PayloadError

Headers = list[tuple[bytes, bytes]]

_STRUCTURED = "application/cloudevents+json"
_REQUIRED = ("specversion", "id", "source", "type")
_SHOWN = " !#$&'()*+,/:;<=>?@[]^`{|}~"
"""What a header's value holds as it is (CloudEvents, HTTP protocol binding, 3.1.3.2)."""


class Event:
    """An event for functions without the SDK; it is read like the SDK's, as a mapping and by its methods."""

    def __init__(self, attributes: Mapping[str, Any], data: Any = None) -> None:  # noqa: ANN401
        self._attributes = dict(attributes)
        self.data = data

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        return self._attributes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes)

    def __len__(self) -> int:
        return len(self._attributes)

    def __contains__(self, name: object) -> bool:
        return name in self._attributes

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- `get_id()` and `get_type()`, as in the SDK's version 2
        if name.startswith("get_"):
            return lambda: self._attributes.get(name.removeprefix("get_"))
        raise AttributeError(name)

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401
        """Return an attribute."""
        return self._attributes.get(name, default)

    def get_attributes(self) -> dict[str, Any]:
        """Return all attributes."""
        return dict(self._attributes)

    def get_data(self) -> Any:  # noqa: ANN401
        """Return what the event carries: what JSON holds, text, or bytes."""
        return self.data


def decode(kind: type[Any], headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Any:  # noqa: ANN401
    """Return the event of a request, of this class.

    Raises:
        PayloadError: the request holds none.
    """
    told = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    content_type = told.get("content-type", "")
    if content_type.lower().startswith("application/cloudevents-batch"):
        raise PayloadError("it is a batch of events")
    if content_type.lower().startswith("application/cloudevents"):
        attributes, data = _from_document(body)
    else:
        attributes = {name[3:]: unquote(value) for name, value in told.items() if name.startswith("ce-")}
        if content_type:
            attributes["datacontenttype"] = content_type
        data = _data(body, content_type)
    missing = [name for name in _REQUIRED if not isinstance(attributes.get(name), str) or not attributes[name]]
    if missing:
        raise PayloadError(f"the attributes {', '.join(missing)} are missing")
    if kind.__module__.startswith("cloudevents.core.") and isinstance(attributes.get("time"), str):
        with contextlib.suppress(ValueError):
            attributes["time"] = datetime.fromisoformat(attributes["time"])
    try:
        return kind(attributes, data)
    except Exception as error:  # noqa: BLE001 -- the SDK's own errors, which differ between its versions
        raise PayloadError(f"it is no valid event: {' '.join(str(error).split())}") from None


def _from_document(body: bytes) -> tuple[dict[str, Any], Any]:
    try:
        document = json.loads(body)
        attributes = {name: value for name, value in document.items() if name not in ("data", "data_base64")}
        encoded = document.get("data_base64")
        return attributes, document.get("data") if encoded is None else base64.b64decode(encoded)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise PayloadError(f"the body is no event in JSON: {error}") from None


def _data(body: bytes, content_type: str) -> Any:  # noqa: ANN401
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return None
    try:
        if kind in ("", "application/json", "text/json") or kind.endswith("+json"):
            return json.loads(body)
        return body.decode() if kind.startswith("text/") else body
    except (ValueError, RecursionError) as error:
        if not kind:
            return body
        raise PayloadError(f"its data is not valid {kind}: {error}") from None


def structured(event: Any) -> tuple[Headers, bytes]:  # noqa: ANN401 -- an event of the SDK, or one of ours
    """Return headers and body of an event as one JSON document."""
    document = {name: _in_json(value) for name, value in _attributes(event).items()}
    data = event.get_data()
    if isinstance(data, bytes | bytearray):
        document["data_base64"] = base64.b64encode(data).decode()
    elif data is not None:
        document["data"] = data
    return [(b"content-type", _STRUCTURED.encode())], json.dumps(document, ensure_ascii=False).encode()


def binary(event: Any) -> tuple[Headers, bytes]:  # noqa: ANN401
    """Return headers and body of an event whose attributes are in headers."""
    attributes, data = _attributes(event), event.get_data()
    headers = [
        (f"ce-{name}".encode(), quote(_text(value), safe=_SHOWN).encode())
        for name, value in attributes.items()
        if name != "datacontenttype"
    ]
    kind = attributes.get("datacontenttype")
    if isinstance(data, bytes | bytearray):
        body = bytes(data)
    elif isinstance(data, str) and kind is not None and "json" not in kind:
        body = data.encode()
    else:
        body = b"" if data is None else json.dumps(data, ensure_ascii=False).encode()
        kind = kind or ("application/json" if body else None)
    return headers + ([(b"content-type", str(kind).encode())] if kind else []), body


def _attributes(event: Any) -> dict[str, Any]:  # noqa: ANN401
    if not hasattr(event, "get_attributes"):
        raise TypeError(f"the function answers with {type(event).__name__}, not with a CloudEvent")
    return {name: value for name, value in event.get_attributes().items() if value is not None}


def _in_json(value: Any) -> Any:  # noqa: ANN401
    """Return an attribute as JSON holds it: numbers and truth values as such."""
    return value if isinstance(value, bool | int) else _text(value)


def _text(value: Any) -> str:  # noqa: ANN401
    """Return an attribute as a header holds it (CloudEvents, type system)."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    return str(value).lower() if isinstance(value, bool) else str(value)
