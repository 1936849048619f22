"""Every accepted form of a function is served unchanged, and every wrong one is refused with its place."""

import copy
import os
import sys
from pathlib import Path

import pytest

from runtime_images.dynamic_runtime.worker.asgi import build_scope
from tests.support.serving import serving, write_function

KNATIVE = """
    import json, logging

    def new():
        return Function()

    class Function:
        def start(self, cfg):
            self.greeting = cfg.get("GREETING", "hello")

        async def handle(self, scope, receive, send):
            body = b""
            more_body = True
            while more_body:
                message = await receive()
                body += message.get("body", b"")
                more_body = message.get("more_body", False)
            await send({"type": "http.response.start", "status": 200, "headers": [[b"content-type", b"text/plain"]]})
            await send({"type": "http.response.body", "body": self.greeting.encode() + b" " + body})

        def stop(self):
            print("stopped by hook")

        def alive(self):
            return True, "I live"

        def ready(self):
            return True, "I am ready"
"""


def test_the_knative_form_is_served_with_its_hooks(tmp_path: Path) -> None:
    function = write_function(tmp_path, KNATIVE, "function/func.py")
    write_function(tmp_path, "from .func import new\n", "function/__init__.py")
    with serving(function, GREETING="good day") as running:
        answer = running.request(body=b"world")
        alive = running.request("GET", "/health/liveness")
        ready = running.request("GET", "/health/readiness")
        running.stop()
        running.event("log", lambda event: event["line"] == "stopped by hook")

    assert answer.status == 200
    assert answer.body == b"good day world"
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["x-gaia-backend"] == "cpu"
    assert alive.json() == {"status": "I live"}
    assert ready.json() == {"status": "I am ready"}


def test_a_ready_hook_that_says_no_makes_readiness_fail(tmp_path: Path) -> None:
    source = KNATIVE.replace('return True, "I am ready"', 'return False, "still loading"')
    with serving(write_function(tmp_path, source)) as running:
        ready = running.request("GET", "/health/readiness")

    assert ready.status == 503
    assert ready.json() == {"status": "still loading"}


@pytest.mark.parametrize("definition", ["def handler(payload):", "async def handler(payload):"])
def test_a_plain_handler_gets_the_payload_and_answers_json(tmp_path: Path, definition: str) -> None:
    source = f"{definition}\n    return {{'got': payload, 'type': type(payload).__name__}}\n"
    with serving(write_function(tmp_path, source, "main.py")) as running:
        as_json = running.post({"a": [1, 2]})
        as_text = running.request(body=b"hello", headers={"content-type": "text/plain"})
        as_query = running.request("GET", "/?a=1&b=")
        as_nothing = running.request("GET", "/")
        broken = running.request(body=b"{", headers={"content-type": "application/json"})

    assert as_json.json() == {"got": {"a": [1, 2]}, "type": "dict"}
    assert as_text.json() == {"got": "hello", "type": "str"}
    assert as_query.json()["got"] == {"a": "1", "b": ""}
    assert as_nothing.json()["got"] == {}
    assert broken.status == 400
    assert "not valid application/json" in broken.json()["error"]


def test_a_module_level_asgi_callable_sees_the_request_as_it_came(tmp_path: Path) -> None:
    source = """
        import json

        async def handle(scope, receive, send):
            seen = {
                "method": scope["method"], "path": scope["path"], "raw_path": scope["raw_path"].decode(),
                "query": scope["query_string"].decode(), "version": scope["http_version"],
                "x": [v.decode() for k, v in scope["headers"] if k == b"x-many"],
            }
            await send({"type": "http.response.start", "status": 201, "headers": [(b"x-Mine", b"yes")]})
            await send({"type": "http.response.body", "body": json.dumps(seen).encode()})
    """
    with serving(write_function(tmp_path, source, "app.py")) as running:
        answer = running.request("PUT", "/a%20b/%C3%A9?q=1%202", headers={"X-Many": "one"})

    assert answer.status == 201
    assert answer.headers["x-mine"] == "yes"
    assert answer.json() == {
        "method": "PUT",
        "path": "/a b/é",
        "raw_path": "/a%20b/%C3%A9",
        "query": "q=1%202",
        "version": "1.1",
        "x": ["one"],
    }


def test_a_frameworks_application_is_started_up_and_shut_down(tmp_path: Path) -> None:
    source = """
        class Application:
            def __init__(self):
                self.up = False

            async def __call__(self, scope, receive, send):
                if scope["type"] == "lifespan":
                    await receive()
                    self.up = True
                    await send({"type": "lifespan.startup.complete"})
                    await receive()
                    print("shut down")
                    await send({"type": "lifespan.shutdown.complete"})
                    return
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": str(self.up).encode()})

        application = Application()
    """
    with serving(write_function(tmp_path, source, "web.py"), GAIA_ENTRYPOINT="web.py:application") as running:
        answer = running.request("GET")
        running.stop()
        running.event("log", lambda event: event["line"] == "shut down")

    assert answer.body == b"True"


STATEFUL = """
    class Application:
        async def __call__(self, scope, receive, send):
            if scope["type"] == "lifespan":
                await receive()
                scope["state"]["requests"] = 0
                scope["state"]["model"] = ["weights"]
                await send({"type": "lifespan.startup.complete"})
                await receive()
                return
            scope["state"]["requests"] += 1  # raises where the start-up left nothing
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": str(scope["state"]).encode()})

    application = Application()
"""


def test_each_request_finds_a_copy_of_what_the_start_up_has_left(tmp_path: Path) -> None:
    source = write_function(tmp_path, STATEFUL, "web.py")
    with serving(source, GAIA_ENTRYPOINT="web.py:application") as running:
        answers = [running.request("GET").body for _ in range(2)]

    assert answers == [b"{'requests': 1, 'model': ['weights']}"] * 2


def test_the_warm_up_finds_what_the_start_up_has_left(tmp_path: Path) -> None:
    source = write_function(tmp_path, STATEFUL, "web.py")
    warmup = '{"method": "GET", "path": "/", "body": ""}'
    with serving(source, GAIA_ENTRYPOINT="web.py:application", GAIA_WARMUP=warmup) as running:
        assert running.request("GET").status == 200


def test_an_application_that_refuses_its_lifespan_is_served_and_the_log_says_so(tmp_path: Path) -> None:
    source = """
        class Application:
            async def __call__(self, scope, receive, send):
                assert scope["type"] == "http", "only http here"
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"served"})

        application = Application()
    """
    with serving(write_function(tmp_path, source, "web.py"), GAIA_ENTRYPOINT="web.py:application") as running:
        answer = running.request("GET")
        running.event("log", lambda event: "lifespan: AssertionError: only http here" in event["line"])

    assert answer.body == b"served"


def test_a_function_sees_its_backend_and_no_device_that_is_not_for_it(tmp_path: Path) -> None:
    source = """
        import os

        def handler(payload):
            names = ("GAIA_BACKEND", "GAIA_ACCELERATOR", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
            return {name: os.environ.get(name) for name in names}
    """
    with serving(write_function(tmp_path, source)) as running:
        running.admin("POST", "/pin")
        on_cpu = running.post({}).json()
        running.switch("gpu")
        on_gpu = running.post({}).json()

    hidden = {"CUDA_VISIBLE_DEVICES": "", "NVIDIA_VISIBLE_DEVICES": "void"}
    assert on_cpu == {"GAIA_BACKEND": "cpu", "GAIA_ACCELERATOR": "none", **hidden}
    assert on_gpu == {"GAIA_BACKEND": "gpu", "GAIA_ACCELERATOR": "emulated", **hidden}


def test_gaias_own_packages_stay_out_of_the_functions_sight(tmp_path: Path) -> None:
    source = """
        import sys

        def handler(payload):
            return [path for path in sys.path]
    """
    bare_python = os.path.realpath(sys.executable)
    with serving(write_function(tmp_path, source), GAIA_FUNCTION_PYTHON=bare_python) as running:
        paths = running.post({}).json()

    package = Path(__file__).parents[4]
    assert paths[0] == str(tmp_path)
    assert str(package) not in paths
    assert str(package / "runtime_images" / "dynamic_runtime") not in paths


_BAD_START = """
class F:
    def start(self, cfg): raise OSError("no disk")
    async def handle(self, scope, receive, send): pass
def new(): return F()
"""


@pytest.mark.parametrize(
    ("source", "kind", "message", "line"),
    [
        ("x = 1\n", "no_entry", "no entry point", 0),
        ("def handle(scope): pass\ndef handler(p): pass\n", "two_entries", "defines both", 2),
        ("import no_such_module\ndef handler(p): pass\n", "import", "No module named 'no_such_module'", 1),
        ("def handler(p):\n    return (\n", "import", "never closed", 2),
        ("raise SystemExit(3)\ndef handler(p): pass\n", "import", "exited with 3", 1),
        ("def handler(one, two): pass\n", "signature", "must accept one argument", 1),
        ("def handler(): pass\n", "signature", "must accept one argument", 1),
        ("def handle(scope, receive, send): pass\n", "signature", "must be `async def`", 1),
        ("async def handle(environ, start_response): pass\n", "wsgi", "is a plain function, but it is `async def`", 1),
        ("handle = 3\n", "signature", "not callable", 1),
        ("def new(): return None\n", "signature", "returned None without handle", 1),
        (
            _BAD_START,
            "start_hook",
            "no disk",
            5,
        ),
    ],
)  # fmt: skip
def test_a_function_that_cannot_be_served_says_why_and_where(
    tmp_path: Path, source: str, kind: str, message: str, line: int
) -> None:
    with serving(write_function(tmp_path, source), wait=False) as running:
        failed = running.event("setup_failed")

    assert failed["kind"] == kind
    assert message in failed["message"]
    assert failed["line"] == line
    assert failed["backend"] == "cpu"


def test_two_files_with_an_entry_point_are_refused_by_name(tmp_path: Path) -> None:
    write_function(tmp_path, "def handler(payload): return 1\n", "main.py")
    with serving(write_function(tmp_path, "def handler(payload): return 2\n"), wait=False) as running:
        failed = running.event("setup_failed")
        refused = None
        while refused is None:
            state = running.state()
            refused = state["unavailable"] or None

    assert failed["kind"] == "two_entries"
    assert "func.py:1" in failed["message"]
    assert "main.py:1" in failed["message"]


def test_an_entry_that_exits_the_process_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    source = "import os\nprint('about to go', flush=True)\nos._exit(7)\ndef handler(payload): pass\n"
    with serving(write_function(tmp_path, source), wait=False) as running:
        failed = running.event("setup_failed")

    assert failed["kind"] == "exit"
    assert "exit code 7" in failed["message"]
    assert failed["log"] == ["about to go"]


def test_a_file_that_no_import_could_name_is_served_all_the_same(tmp_path: Path) -> None:
    function = write_function(tmp_path, "def handler(payload):\n    return 'served'\n", "my func.v2.py")
    with serving(function, GAIA_ENTRYPOINT="my func.v2.py") as running:
        assert running.post({}).json() == "served"


def test_what_an_application_changes_in_its_scope_is_not_seen_by_the_next_request() -> None:
    head = b"GET /path?query HTTP/1.1\r\nHost: here\r\n\r\n"
    first = build_scope(head, {"shared": 1}, ("192.0.2.1", 1))
    unchanged = copy.deepcopy(first)

    first["headers"].append((b"added", b"1"))
    first["asgi"].clear()
    first["state"].clear()
    first["path"] = "/other"

    assert build_scope(head, {"shared": 1}, ("192.0.2.1", 1)) == unchanged
