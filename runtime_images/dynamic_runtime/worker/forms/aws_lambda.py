"""Functions for AWS Lambda: `(event, context)`, behind what API Gateway's HTTP API makes of a request (payload 2.0).

The path that Lambda's own images answer takes an event as it is, for functions that no HTTP API calls.
"""

import base64
import inspect
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from runtime_images.dynamic_runtime.worker.contract import LoadedFunction
from runtime_images.dynamic_runtime.worker.exchange import Answer, Request
from runtime_images.dynamic_runtime.worker.forms.answering import is_text, json_answer
from runtime_images.dynamic_runtime.worker.forms.source import Source, is_async
from runtime_images.dynamic_runtime.worker.values.parts import awaited
from runtime_images.dynamic_runtime.worker.values.payloads import PayloadError

INVOCATIONS = "/2015-03-31/functions/function/invocations"
_TIMEOUT_MS = 300_000


def build(source: Source) -> LoadedFunction:
    """Build a function for Lambda."""
    target = source.imported()
    source.require_positional(target, 2, "(event, context)")
    if is_async(target):

        async def answer_async(request: Request) -> Answer:
            event, context = _arguments(source, request)
            return _answer(request, await target(event, context))

        return LoadedFunction(source.entry, blocking=False, exchange=answer_async)

    def answer(request: Request) -> Answer:
        result = target(*_arguments(source, request))
        return _answer(request, awaited(result) if inspect.isawaitable(result) else result)

    return LoadedFunction(source.entry, blocking=True, exchange=answer)


@dataclass(frozen=True)
class Context:
    """What Lambda tells a function about its own call; the names are Lambda's."""

    function_name: str
    aws_request_id: str
    function_version: str = "$LATEST"
    invoked_function_arn: str = ""
    memory_limit_in_mb: str = "0"
    log_group_name: str = ""
    log_stream_name: str = ""
    identity: None = None
    client_context: None = None
    _begun_s: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left to the request, by default."""
        return max(0, _TIMEOUT_MS - int(1000 * (time.monotonic() - self._begun_s)))


def _arguments(source: Source, request: Request) -> tuple[Any, Context]:
    request_id = str(uuid.uuid4())
    context = Context(source.directory.name, request_id)
    if request.path != INVOCATIONS:
        return event_of(request, request_id), context
    try:
        return json.loads(request.body or b"null"), context
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"the event is not valid JSON: {error}") from None


def event_of(request: Request, request_id: str) -> dict[str, Any]:
    """Return the event of a request, as API Gateway writes it in version 2.0."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in request.headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == "cookie":
            cookies += [cookie.strip() for cookie in value.split(";")]
        else:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(request.query.decode("latin-1"), keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query.decode("latin-1"),
        "headers": headers,
        "requestContext": _request_context(request, headers, request_id),
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if parameters:
        event["queryStringParameters"] = parameters
    if request.body:
        event["body"], event["isBase64Encoded"] = _body_of(request)
    return event


def _request_context(request: Request, headers: dict[str, str], request_id: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    host = headers.get("host", "localhost")
    return {
        "accountId": "anonymous",
        "apiId": host.partition(".")[0],
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": f"HTTP/{request.http_version}",
            "sourceIp": request.client[0] if request.client is not None else "",
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }


def _body_of(request: Request) -> tuple[str, bool]:
    """Return the body, and whether it is in base64: whatever is not text in UTF-8."""
    if is_text(request.header("content-type") or "text/plain"):
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True


def _answer(request: Request, result: Any) -> Answer:  # noqa: ANN401 -- what the function returned
    if request.path == INVOCATIONS:
        return json_answer(result)
    if not isinstance(result, dict) or "statusCode" not in result:
        return Answer(200, [(b"content-type", b"application/json")], _octets(result, is_base64=False))
    headers = [(str(name).lower(), _text(value)) for name, value in (result.get("headers") or {}).items()]
    for name, values in (result.get("multiValueHeaders") or {}).items():
        headers = [pair for pair in headers if pair[0] != str(name).lower()]
        headers += [(str(name).lower(), _text(value)) for value in values]
    headers += [("set-cookie", str(cookie)) for cookie in result.get("cookies") or ()]
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain; charset=utf-8"))
    body = _octets(result.get("body", ""), is_base64=bool(result.get("isBase64Encoded")))
    encoded = [(name.encode(), value.encode()) for name, value in headers if name != "content-length"]
    return Answer(int(result["statusCode"]), encoded, body)


def _octets(body: Any, *, is_base64: bool) -> bytes:  # noqa: ANN401
    if is_base64:
        return base64.b64decode(body)
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else json_answer(body).body  # type: ignore[return-value]


def _text(value: Any) -> str:  # noqa: ANN401
    return str(value).lower() if isinstance(value, bool) else str(value)
