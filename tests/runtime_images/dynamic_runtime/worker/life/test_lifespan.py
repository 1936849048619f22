"""An application starts up before its first request, whatever stands around it; a mere function is not called."""

from pathlib import Path

import pytest

from tests.support.libraries import python_with
from tests.support.serving import serving, write_function

INNER = """
    from contextlib import asynccontextmanager
    from fastapi import FastAPI, Request

    @asynccontextmanager
    async def lifespan(app):
        app.state.model = "loaded"
        yield {"name": "Ada"}
        print("shut down")

    inner = FastAPI(lifespan=lifespan)

    @inner.get("/")
    async def root(request: Request):
        return inner.state.model + " for " + request.state.name

"""
WRAPPERS = {
    "function": "async def app(scope, receive, send): await inner(scope, receive, send)",
    "function that lets requests pass only": """
    async def app(scope, receive, send):
        if scope["type"] == "http":
            await inner(scope, receive, send)
    """,
    "function that asserts": """
    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await inner(scope, receive, send)
    """,
    "decorated": """
    import functools
    def around(application):
        @functools.wraps(application)
        async def wrapped(scope, receive, send):
            await application(scope, receive, send)
        return wrapped
    async def middle(scope, receive, send): await inner(scope, receive, send)
    app = around(middle)
    """,
    "closure": """
    def around(application):
        async def wrapped(scope, receive, send):
            await application(scope, receive, send)
        return wrapped
    app = around(inner)
    """,
    "object": """
    class Around:
        def __init__(self, application):
            self.application = application
        async def __call__(self, scope, receive, send):
            if scope["type"] != "http":
                raise NotImplementedError
            await self.application(scope, receive, send)
    app = Around(inner)
    """,
    "none": "app = inner",
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapped_application_starts_up_and_shuts_down(tmp_path: Path, wrapper: str) -> None:
    function = write_function(tmp_path, f"{INNER}    {WRAPPERS[wrapper].strip()}\n", "app.py")
    settings = {"GAIA_ENTRYPOINT": "app.py:app", "GAIA_FUNCTION_PYTHON": python_with("fastapi")}
    with serving(function, True, GAIA_MODE="cpu", **settings) as running:
        answer = running.request("GET", "/")
    lines = [event["line"] for event in running.named("log")]

    assert (answer.status, answer.json()) == (200, "loaded for Ada")
    assert lines[-1] == "shut down"


OTHERS = {
    "quart": """
        from quart import Quart
        inner = Quart(__name__)

        @inner.before_serving
        async def start():
            inner.model = "loaded"

        @inner.get("/")
        async def root():
            return inner.model
    """,
    "litestar": """
        from litestar import Litestar, get
        model = []

        @get("/")
        async def root() -> str:
            return model[0]

        async def start():
            model.append("loaded")

        inner = Litestar([root], on_startup=[start])
    """,
    "falcon": """
        import falcon.asgi

        class Model:
            async def process_startup(self, scope, event):
                self.text = "loaded"

            async def on_get(self, req, resp):
                resp.text = self.text

        model = Model()
        inner = falcon.asgi.App(middleware=[model])
        inner.add_route("/", model)
    """,
}
AROUND = """
        applications = {"http": inner}

        async def app(scope, receive, send):
            if scope["type"] in applications:
                await applications[scope["type"]](scope, receive, send)
"""


@pytest.mark.parametrize("framework", OTHERS)
def test_applications_of_every_framework_start_up_within_what_lets_requests_pass_only(
    tmp_path: Path, framework: str
) -> None:
    function = write_function(tmp_path, OTHERS[framework].rstrip() + AROUND, "app.py")
    settings = {"GAIA_ENTRYPOINT": "app.py:app", "GAIA_FUNCTION_PYTHON": python_with("quart", "litestar", "falcon")}
    with serving(function, True, GAIA_MODE="cpu", **settings) as running:
        answer = running.request("GET", "/")

    assert (answer.status, answer.body) == (200, b"loaded")


OWN = """
    import asyncio
    called = []

    async def handle(scope, receive, send):
        called.append(scope["type"])
        {}
        await receive()
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        await send({{"type": "http.response.body", "body": repr(called).encode()}})
"""


@pytest.mark.parametrize(
    ("does", "called"),
    [
        ("pass", ["http"]),
        ("assert scope['type'] == 'http'", ["http"]),
        ("'lifespan' in scope['type']", ["lifespan", "http"]),
        ("if scope['type'] == 'lifespan': return", ["lifespan", "http"]),
        ("if scope['type'] == 'lifespan': await send({'type': 'lifespan.shutdown.complete'})", ["lifespan", "http"]),
        ("while 'lifespan' == scope['type']: await receive()", ["lifespan", "http"]),
    ],
)
def test_a_function_is_asked_if_it_knows_of_it_and_served_if_it_refuses(
    tmp_path: Path, does: str, called: list[str]
) -> None:
    with serving(write_function(tmp_path, OWN.format(does)), GAIA_MODE="cpu") as running:
        answer = running.request("GET", "/")
        logged = running.named("log")

    assert (answer.status, answer.body.decode()) == (200, repr(called))
    assert logged == []


@pytest.mark.parametrize("way", ["send", "raise"])
def test_a_start_up_that_fails_is_a_failed_start_that_says_why(tmp_path: Path, way: str) -> None:
    source = f"""
        async def handle(scope, receive, send):
            if scope["type"] == "lifespan":
                await receive()
                if {way!r} == "send":
                    await send({{"type": "lifespan.startup.failed", "message": "no database"}})
                else:
                    await send({{"type": "lifespan.startup.failed", "message": "no database"}})
                    raise RuntimeError("no database")
    """
    with serving(write_function(tmp_path, source), False, GAIA_MODE="cpu") as running:
        failed = running.event("setup_failed")
        readiness = running.admin("GET", "/health/readiness").status

    assert (failed["kind"], readiness) == ("start_hook", 503)
    assert "no database" in failed["message"]
