"""Flask, Django and any `app(environ, start_response)` are served as they are, by threads, and streamed."""

import io
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime_images.dynamic_runtime.worker.exchange import Answer, Request
from runtime_images.dynamic_runtime.worker.forms.wsgi import Application, environ_of
from tests.support.serving import serving, write_function

FLASK = """
    from flask import Flask, Response, request, session

    app = Flask(__name__)
    app.secret_key = "k"

    @app.route("/")
    def index():
        return {"root": request.script_root, "from": request.remote_addr, "url": request.url}

    @app.post("/echo/<path:name>")
    def echo(name):
        return {"name": name, "json": request.get_json(), "args": request.args, "agent": request.headers["X-Twice"]}

    @app.post("/upload")
    def upload():
        file = request.files["file"]
        return {"name": file.filename, "bytes": len(file.read()), "field": request.form["field"]}

    @app.get("/stream")
    def stream():
        def parts():
            for number in range(3):
                yield f"data: {number}\\n\\n"
        return Response(parts(), mimetype="text/event-stream")

    @app.get("/cookies")
    def cookies():
        session["n"] = 1
        answer = Response("set")
        answer.set_cookie("a", "1")
        return answer

    @app.get("/fails")
    def fails():
        return 1 / 0
"""

DJANGO = """
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import JsonResponse, StreamingHttpResponse
    from django.urls import path

    settings.configure(DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="k", MIDDLEWARE=[])

    def index(request):
        return JsonResponse({"path": request.path, "data": request.body.decode(), "who": request.META["REMOTE_ADDR"]})

    def stream(request):
        return StreamingHttpResponse((b"part" for _ in range(3)), content_type="text/plain")

    urlpatterns = [path("", index), path("stream", stream)]
    application = get_wsgi_application()
"""


def test_flask_is_served_as_it_is(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, FLASK, "app.py")) as running:
        index = running.request("GET", "/?q=1")
        echo = running.request(
            "POST", "/echo/a%20b/c?x=1", b'{"a": 1}', {"content-type": "application/json", "x-twice": "yes"}
        )
        boundary = (
            b'--b\r\nContent-Disposition: form-data; name="field"\r\n\r\nv\r\n'
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n\r\n12345\r\n--b--\r\n'
        )
        upload = running.request("POST", "/upload", boundary, {"content-type": "multipart/form-data; boundary=b"})
        stream = running.request("GET", "/stream")
        cookies = running.request("GET", "/cookies")
        head = running.request("HEAD", "/")
        missing = running.request("GET", "/nothing")
        fails = running.request("GET", "/fails")
        running.event("log", lambda event: "ZeroDivisionError" in event["line"])
        ready = running.event("ready")

    assert index.json() == {"root": "", "from": "127.0.0.1", "url": f"http://127.0.0.1:{running.port}/?q=1"}
    assert echo.json() == {"name": "a b/c", "json": {"a": 1}, "args": {"x": "1"}, "agent": "yes"}
    assert upload.json() == {"name": "f.txt", "bytes": 5, "field": "v"}
    assert (stream.body, stream.headers["content-type"]) == (
        b"data: 0\n\ndata: 1\n\ndata: 2\n\n",
        "text/event-stream; charset=utf-8",
    )
    assert cookies.status == 200
    assert (head.status, head.body, int(head.headers["content-length"]) > 10) == (200, b"", True)
    assert (missing.status, fails.status) == (404, 500)
    assert (ready["form"], ready["entry"]) == ("wsgi", "app.py:app")


def test_django_is_served_as_it_is(tmp_path: Path) -> None:
    function = write_function(tmp_path, DJANGO, "site.py")  # as a module of Python's own is called
    with serving(function, GAIA_ENTRYPOINT="site.py:application") as running:
        index = running.request("POST", "/", b"hello")
        stream = running.request("GET", "/stream")

    assert index.json() == {"path": "/", "data": "hello", "who": "127.0.0.1"}
    assert stream.body == b"partpartpart"


def test_a_stream_does_not_keep_other_requests_waiting(tmp_path: Path) -> None:
    source = """
        import threading

        go_on = threading.Event()

        def application(environ, start_response):
            start_response("200 OK", [("content-type", "text/plain")])
            if environ["PATH_INFO"] == "/go":
                go_on.set()
                return [b"went"]
            return stream()

        def stream():
            yield b"first"
            assert go_on.wait(30)
            yield b"second"
    """
    function = write_function(tmp_path, source, "wsgi.py")
    with serving(function, GAIA_ENTRYPOINT="wsgi.py:application") as running:
        bodies: list[bytes] = []
        streaming = threading.Thread(target=lambda: bodies.append(running.request("GET", "/stream").body))
        streaming.start()
        assert running.request("GET", "/go").body == b"went"
        streaming.join(60)

    assert bodies == [b"firstsecond"]


@pytest.mark.parametrize(
    "source",
    [
        "from flask import Flask\ndef create_app():\n    app = Flask(__name__)\n    return app\napp = create_app()\n",
        "import flask\nserver = flask.Flask(__name__)\napp = server\n",
        "from pages import app\n",
        "from werkzeug.middleware.proxy_fix import ProxyFix\nfrom pages import app as inner\napp = ProxyFix(inner)\n",
    ],
)
def test_an_application_is_known_through_whatever_it_is_made_of(tmp_path: Path, source: str) -> None:
    write_function(tmp_path, "import flask\napp = flask.Flask('x')\n", "pages.py")
    with serving(write_function(tmp_path, source, "serve.py"), GAIA_ENTRYPOINT="serve.py:app") as running:
        assert running.request("GET", "/").status == 404
        assert running.event("ready")["entry"] == "serve.py:app"


def request_with(body: bytes = b"", headers: Iterable[tuple[bytes, bytes]] = (), method: str = "GET") -> Request:
    return Request(method, "/ä b", b"/%C3%A4%20b", b"q=1", "1.1", "https", ("10.1.2.3", 5), tuple(headers), body)


def test_the_environ_holds_what_the_specification_asks_for() -> None:
    headers = [(b"host", b"there:81"), (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"x-a", b"1"), (b"x-a", b"2")]
    environ = environ_of(request_with(b"12345", [*headers, (b"x_a", b"spoofed"), (b"content-type", b"text/plain")]))

    assert environ["PATH_INFO"].encode("latin-1").decode() == "/ä b"
    assert (environ["SCRIPT_NAME"], environ["QUERY_STRING"], environ["REQUEST_METHOD"]) == ("", "q=1", "GET")
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"], environ["wsgi.url_scheme"]) == ("there", "81", "https")
    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("10.1.2.3", "5")
    assert (environ["HTTP_COOKIE"], environ["HTTP_X_A"]) == ("a=1; b=2", "1,2")
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/plain", "5")
    assert [environ["wsgi.input"].read(2), environ["wsgi.input"].readline(), environ["wsgi.input"].read()] == [
        b"12",
        b"345",
        b"",
    ]


def applied(application: Callable[..., Any], request: Request | None = None) -> Answer:
    return Application(application)(request or request_with())


class Body:
    """An iterable that says when it was closed."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = iter(parts)
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self.parts

    def close(self) -> None:
        self.closed += 1


def test_a_body_of_announced_length_is_whole_and_closed() -> None:
    body = Body(b"", b"four")

    def application(_: object, start: Callable[..., Any]) -> Body:
        start("200 OK", [("Content-Length", "4")])
        return body

    assert applied(application) == Answer(200, [(b"Content-Length", b"4")], b"four")
    assert body.closed == 1


def test_a_body_without_a_length_leaves_in_parts_and_is_closed_once() -> None:
    body = Body(b"one", b"two")

    def application(_: object, start: Callable[..., Any]) -> Body:
        start("201 Created", [])
        return body

    answer = applied(application)
    assert not isinstance(answer.body, bytes)
    assert list(answer.body) == [b"one", b"two"]  # type: ignore[arg-type]
    assert body.closed == 0
    answer.body.close()  # type: ignore[union-attr]
    assert (answer.status, body.closed) == (201, 1)


def test_what_is_written_goes_before_the_body() -> None:
    def application(_: object, start: Callable[..., Any]) -> list[bytes]:
        write = start("200 OK", [])
        write(b"old ")
        return [b"and ", b"new"]

    assert applied(application).body == b"old and new"


def test_a_later_start_overtakes_the_first_only_with_an_error() -> None:
    def application(_: object, start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", [])
        try:
            raise ValueError("late")
        except ValueError as error:
            start("500 Oh", [], (type(error), error, error.__traceback__))
        yield b"sorry"

    assert applied(application).status == 500

    def twice(_: object, start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [])
        start("200 OK", [])
        return []

    with pytest.raises(RuntimeError, match="twice"):
        applied(twice)


def test_an_application_that_does_not_start_is_an_error_and_its_body_is_closed() -> None:
    body = Body(b"x")

    with pytest.raises(RuntimeError, match="start_response"):
        applied(lambda *_: body)

    assert body.closed == 1


def test_a_head_request_has_no_body_but_a_length() -> None:
    def application(_: object, start: Callable[..., Any]) -> io.BytesIO:
        start("200 OK", [("Content-Length", "9")])
        return io.BytesIO(b"something")

    assert applied(application, request_with(method="HEAD")) == Answer(200, [(b"Content-Length", b"9")], b"")
