"""Functions of functions-framework are served by the framework itself, decorated or named."""

import json
from pathlib import Path

import pytest

from tests.support.serving import serving, write_function

HTTP = """
    import functions_framework
    from flask import render_template
    from beside import GREETING

    @functions_framework.errorhandler(ZeroDivisionError)
    def divided(error):
        return "no", 418

    @functions_framework.http
    def hello(request):
        if request.path == "/fails":
            return 1 / 0
        if request.path == "/page":
            return render_template("page.html", who="you")
        payload = request.get_json(silent=True) or {}
        return f"{GREETING} {payload.get('name') or request.args.get('name', 'nobody')}", 201, {"X-Own": "1"}
"""


def test_a_decorated_function_is_served_with_what_stands_beside_it(tmp_path: Path) -> None:
    write_function(tmp_path, "GREETING = 'hello'\n", "src/beside.py")
    write_function(tmp_path, "for {{ who }}", "src/templates/page.html")
    with serving(write_function(tmp_path, HTTP, "src/main.py")) as running:
        posted = running.post({"name": "you"})
        asked = running.request("GET", "/any/path?name=me")
        fails = running.request("GET", "/fails")
        page = running.request("GET", "/page")
        form = running.event("ready")["form"]

    assert (posted.status, posted.body, posted.headers["x-own"]) == (201, b"hello you", "1")
    assert asked.body == b"hello me"
    assert (fails.status, page.body) == (418, b"for you")
    assert form == "functions-framework"


def test_a_function_for_events_gets_them_in_both_modes(tmp_path: Path) -> None:
    source = """
        import functions_framework

        @functions_framework.cloud_event
        def got(event):
            print("got", event["type"], event["id"], event.data, flush=True)
    """
    told = {"specversion": "1.0", "type": "t", "source": "/s", "id": "7"}
    with serving(write_function(tmp_path, source, "main.py")) as running:
        headers = {f"ce-{name}": value for name, value in told.items()} | {"content-type": "application/json"}
        binary = running.request(body=b'{"a": 1}', headers=headers)
        document = json.dumps(told | {"data": {"b": 2}}).encode()
        structured = running.request(body=document, headers={"content-type": "application/cloudevents+json"})
        wrong = running.post({"no": "event"})
        running.event("log", lambda event: event["line"] == "got t 7 {'a': 1}")
        running.event("log", lambda event: event["line"] == "got t 7 {'b': 2}")

    assert (binary.status, structured.status, wrong.status) == (200, 200, 400)


@pytest.mark.parametrize(
    "source",
    [
        "def hello(request):\n    return request.args.get('name', '') + request.method\n",
        "import flask\ndef hello(req: flask.Request) -> str:\n    return flask.request.args['name'] + req.method\n",
        'def hello(r):\n    """Args:\n        r (flask.Request): it.\n    """\n    return r.args["name"] + "GET"\n',
    ],
)
def test_a_named_function_that_takes_a_flask_request_is_one(tmp_path: Path, source: str) -> None:
    function = write_function(tmp_path, source, "main.py")
    with serving(function, GAIA_ENTRYPOINT="main.py:hello") as running:
        assert running.request("GET", "/?name=you").body == b"youGET"


def test_an_asynchronous_function_is_served_too(tmp_path: Path) -> None:
    source = """
        import functions_framework.aio

        @functions_framework.aio.http
        async def hello(request):
            return {"path": request.url.path}
    """
    with serving(write_function(tmp_path, source, "main.py")) as running:
        assert running.request("GET", "/there").json() == {"path": "/there"}


def test_without_the_framework_the_place_and_what_to_add_are_told(tmp_path: Path) -> None:
    source = "\n\ndef hello(request):\n    return request.get_json()\n"
    write_function(
        tmp_path, "raise ModuleNotFoundError(\"No module\", name='functions_framework')", "functions_framework.py"
    )
    function = write_function(tmp_path, source, "main.py")
    with serving(function, wait=False, GAIA_ENTRYPOINT="main.py:hello") as running:
        failed = running.event("setup_failed")

    assert (failed["kind"], failed["path"], failed["line"]) == ("import", "main.py", 3)
    assert "functions-framework is not installed: add it to the requirements" in failed["message"]
