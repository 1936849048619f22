"""The entry point is found by reading, never by running."""

from pathlib import Path

import pytest

from runtime_images.entrypoint import Entry, EntryError, EntryForm, find_entry
from tests.support.serving import write_function


@pytest.mark.parametrize("name", ["func.py", "function/func.py", "handler.py", "main.py", "app.py"])
def test_each_candidate_file_is_looked_at(tmp_path: Path, name: str) -> None:
    write_function(tmp_path, "\n\ndef handler(payload): ...\n", name)

    entry = find_entry(tmp_path)

    assert (entry.path, entry.line) == (name, 3)


@pytest.mark.parametrize(
    ("source", "form"),
    [
        ("def new(): ...", EntryForm.NEW),
        ("async def handle(scope, receive, send): ...", EntryForm.HANDLE),
        ("from .impl import handle", EntryForm.HANDLE),
        ("handler = make()", EntryForm.HANDLER),
        ("if True:\n    def handler(p): ...", EntryForm.HANDLER),
        ("try:\n    from fast import handler\nexcept ImportError:\n    handler = None", EntryForm.HANDLER),
        ("def new(): ...\nasync def handle(s, r, e): ...", EntryForm.NEW),
    ],
)
def test_the_form_is_told_from_the_name_that_is_bound(tmp_path: Path, source: str, form: EntryForm) -> None:
    assert find_entry(write_function(tmp_path, source)).form is form


def test_a_script_that_borrows_the_entry_point_for_a_trial_is_no_second_one(tmp_path: Path) -> None:
    write_function(tmp_path, "def handler(payload): ...", "handler.py")
    write_function(tmp_path, "from handler import handler\nprint(handler({}))", "main.py")

    assert find_entry(tmp_path).path == "handler.py"


@pytest.mark.parametrize(
    ("source", "form"),
    [
        ("def predict(payload): ...", EntryForm.HANDLER),
        ("async def predict(scope, receive, send): ...", EntryForm.HANDLE),
        ("def predict(): ...", EntryForm.NEW),
        ("predict = FastAPI()", EntryForm.HANDLE),
    ],
)
def test_a_named_entry_is_judged_by_its_parameters(tmp_path: Path, source: str, form: EntryForm) -> None:
    write_function(tmp_path, source, "lib/model.py")

    assert find_entry(tmp_path, "lib/model.py:predict") == Entry("lib/model.py", "predict", form, 1)


@pytest.mark.parametrize("entrypoint", ["../outside.py", "missing.py", "func.py:nothing", "func.py"])
def test_a_named_entry_that_is_not_there_is_refused(tmp_path: Path, entrypoint: str) -> None:
    (tmp_path / "outside.py").write_text("def handler(payload): ...")
    function = write_function(tmp_path / "function", "x = 1")

    with pytest.raises(EntryError) as raised:
        find_entry(function, entrypoint)

    assert raised.value.kind == "no_entry"


def test_an_application_that_is_not_named_is_named_in_the_hint(tmp_path: Path) -> None:
    function = write_function(tmp_path, "from somewhere import make\n\napp = make()\n", "main.py")

    with pytest.raises(EntryError) as raised:
        find_entry(function)

    hint = 'to serve app (main.py:3), write into gaia.toml: [function] entrypoint = "main.py:app"'
    assert (raised.value.kind, raised.value.hint) == ("no_entry", hint)


def test_a_syntax_error_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(EntryError) as raised:
        find_entry(write_function(tmp_path, "def handler(payload):\n    return (\n"))

    assert (raised.value.kind, raised.value.path, raised.value.line) == ("syntax", "func.py", 2)


def test_bytes_that_are_no_text_are_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_bytes(b"def handler(p): return '\xff\xfe'")

    with pytest.raises(EntryError) as raised:
        find_entry(tmp_path)

    assert raised.value.kind in ("encoding", "syntax")


@pytest.mark.parametrize(
    ("path", "source", "attribute", "form"),
    [
        ("app.py", "from fastapi import FastAPI\napp = FastAPI()", "app", EntryForm.HANDLE),
        ("main.py", "import flask as f\napi = f.Flask(__name__)", "api", EntryForm.WSGI),
        ("app.py", "from flask import Flask\nif True:\n    application = Flask('x')", "application", EntryForm.WSGI),
        (
            "app.py",
            "from flask import Flask\ndef make(a=1):\n    return Flask('x')\napp = make()",
            "app",
            EntryForm.WSGI,
        ),
        (
            "wsgi.py",
            "from django.core.wsgi import get_wsgi_application as g\napplication = g()",
            "application",
            EntryForm.WSGI,
        ),
        ("asgi.py", "import falcon.asgi\napp = falcon.asgi.App()", "app", EntryForm.HANDLE),
        ("main.py", "import falcon\napp = falcon.App()", "app", EntryForm.WSGI),
        (
            "main.py",
            "from flask import Flask\nfrom asgiref.wsgi import WsgiToAsgi\napp = Flask('x')\napp = WsgiToAsgi(app)",
            "app",
            EntryForm.HANDLE,
        ),
        (
            "main.py",
            "from fastapi import FastAPI\nfrom mangum import Mangum\napp = FastAPI()\nhandler = Mangum(app)",
            "app",
            EntryForm.HANDLE,
        ),
        ("lambda_function.py", "def lambda_handler(event, context): ...", "lambda_handler", EntryForm.LAMBDA),
        ("src/handler.py", "def hello(event, context): ...\ndef _help(event, context): ...", "hello", EntryForm.LAMBDA),
        ("handler.py", "def handler(event, _context): ...", "handler", EntryForm.LAMBDA),
        ("handler.py", "def handle(environ, start_response): ...", "handle", EntryForm.WSGI),
        ("handler.py", "def handle(req): ...", "handle", EntryForm.HANDLER),
        ("handler.py", "async def handle(*args): ...", "handle", EntryForm.HANDLE),
        ("predict.py", "from cog import BasePredictor as B\nclass P(B): ...", "P", EntryForm.COG),
        ("predict.py", "import cog\nclass Runner(cog.BaseRunner): ...", "Runner", EntryForm.COG),
        (
            "rp_handler.py",
            "import runpod as r\ndef go(job): ...\nr.serverless.start(dict_ := {'handler': go})",
            "",
            EntryForm.RUNPOD,
        ),
        (
            "src/rp_handler.py",
            "import runpod\ndef go(job): ...\nrunpod.serverless.start({'handler': go})",
            "go",
            EntryForm.RUNPOD,
        ),
        (
            "main.py",
            "import functions_framework as ff\n@ff.http\ndef hello(r): ...\ndef handler(x): ...",
            "hello",
            EntryForm.FUNCTIONS_FRAMEWORK,
        ),
        (
            "main.py",
            "from functions_framework import cloud_event\n@cloud_event\ndef hello(e): ...",
            "hello",
            EntryForm.FUNCTIONS_FRAMEWORK,
        ),
        (
            "func.py",
            "def new(): ...\nclass F:\n  async def handle(self, s, r, e): s['event']",
            "new",
            EntryForm.CLOUDEVENTS,
        ),
        (
            "func.py",
            "from cloudevents.http import CloudEvent\ndef handler(e: CloudEvent): ...",
            "handler",
            EntryForm.CLOUDEVENTS,
        ),
        ("function/__init__.py", "from .service import new", "new", EntryForm.NEW),
    ],
)
def test_each_form_is_found_without_a_word_of_configuration(
    tmp_path: Path, path: str, source: str, attribute: str, form: EntryForm
) -> None:
    entry = find_entry(write_function(tmp_path, source, path))

    assert (entry.path, entry.attribute, entry.form) == (path, attribute, form)


def test_a_package_that_only_names_the_entry_again_is_no_second_one(tmp_path: Path) -> None:
    write_function(tmp_path, "from .func import new\n", "function/__init__.py")

    assert find_entry(write_function(tmp_path, "def new(): ...", "function/func.py")).path == "function/func.py"


def test_the_form_of_what_is_imported_from_an_own_module_is_read_there(tmp_path: Path) -> None:
    write_function(
        tmp_path, "def new(): ...\nclass F:\n  async def handle(self, s, r, e): s['event']", "function/one.py"
    )
    write_function(tmp_path, "from .one import new\n", "function/two.py")
    function = write_function(tmp_path, "from .two import new\n", "function/__init__.py")

    assert find_entry(function).form is EntryForm.CLOUDEVENTS


def test_names_of_the_contract_go_before_what_only_looks_like_an_entry(tmp_path: Path) -> None:
    write_function(tmp_path, "from flask import Flask\napp = Flask('x')\n", "app.py")
    write_function(tmp_path, "def other(event, context): ...\n", "lambda_function.py")

    assert find_entry(write_function(tmp_path, "def handler(payload): ...", "func.py")).path == "func.py"


def test_two_functions_of_one_platform_are_named_in_the_error(tmp_path: Path) -> None:
    function = write_function(tmp_path, "def one(event, context): ...\ndef two(event, context): ...", "handler.py")

    with pytest.raises(EntryError) as raised:
        find_entry(function)

    assert raised.value.message == "handler.py defines both one (line 1) and two (line 2)"


def test_cog_yaml_names_the_predictor(tmp_path: Path) -> None:
    (tmp_path / "cog.yaml").write_text("build:\n  run: x\npredict: 'lib/p.py:Mine'\n")
    function = write_function(tmp_path, "from cog import BasePredictor\nclass Mine(BasePredictor): ...", "lib/p.py")

    assert find_entry(function) == Entry("lib/p.py", "Mine", EntryForm.COG, 2)


def test_a_link_that_leads_out_is_told_as_such(tmp_path: Path) -> None:
    outside = write_function(tmp_path / "real", "def handler(payload): ...")
    function = tmp_path / "function"
    function.mkdir()
    (function / "func.py").symlink_to(outside / "func.py")

    with pytest.raises(EntryError) as raised:
        find_entry(function, "func.py")

    assert "lies outside of" in raised.value.message


def test_a_link_inside_is_served_whether_or_not_it_is_named(tmp_path: Path) -> None:
    function = write_function(tmp_path, "def handler(payload): ...", "versions/one.py")
    (function / "func.py").symlink_to("versions/one.py")

    assert find_entry(function, "func.py") == find_entry(function)


@pytest.mark.parametrize(
    "source",
    [
        "a" + ".b" * 3000 + " = 1",
        "app = " + "f(" * 80 + ")" * 80,
        "app = app",
        "from .func import app",
        "app = b\nb = app",
    ],
)
def test_what_is_nested_or_leads_in_circles_ends(tmp_path: Path, source: str) -> None:
    with pytest.raises(EntryError):
        find_entry(write_function(tmp_path, source))


def test_a_broken_file_that_only_a_platform_would_start_keeps_nobody_from_being_served(tmp_path: Path) -> None:
    write_function(tmp_path, "print 'old'\n", "predict.py")

    assert find_entry(write_function(tmp_path, "def handler(payload): ...", "main.py")).path == "main.py"


def test_a_broken_file_alone_is_told(tmp_path: Path) -> None:
    with pytest.raises(EntryError) as raised:
        find_entry(write_function(tmp_path, "print 'old'\n", "predict.py"))

    assert (raised.value.kind, raised.value.path) == ("syntax", "predict.py")


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ("return event", EntryForm.LAMBDA),
        ("return context.aws_request_id", EntryForm.LAMBDA),
        ("return context.event_id", EntryForm.FUNCTIONS_FRAMEWORK),
        ("return context.resource['name']", EntryForm.FUNCTIONS_FRAMEWORK),
        ('"""Triggered. context (google.cloud.functions.Context): metadata."""', EntryForm.FUNCTIONS_FRAMEWORK),
    ],
)
def test_googles_functions_for_events_are_told_from_those_of_lambda(tmp_path: Path, body: str, form: EntryForm) -> None:
    entry = find_entry(write_function(tmp_path, f"def on_upload(event, context):\n    {body}\n", "main.py"))

    assert (entry.attribute, entry.form) == ("on_upload", form)


MAKES = "from flask import Flask\ndef make(name='x'):\n    return Flask(name)\n"


@pytest.mark.parametrize(
    ("files", "path"),
    [
        (
            {
                "main.py": "import fastapi\nimport mangum\napp = fastapi.FastAPI()\nhandler = mangum.Mangum(app)\n",
                "lambda_function.py": "from mangum import Mangum\nfrom main import app\nhandler = Mangum(app)\n",
            },
            "main.py",
        ),
        (
            {"function/__init__.py": "from .func import new\n", "function/func.py": "def new(): ...\n"},
            "function/func.py",
        ),
        ({"function/__init__.py": "from .far import new\n", "func.py": "from function.far import new\n"}, "func.py"),
        ({"wsgi.py": "from app import make\napplication = make()\n", "app.py": f"{MAKES}app = make()\n"}, "app.py"),
        ({"wsgi.py": "from web import make\napplication = make()\n", "web.py": MAKES}, "wsgi.py"),
        (
            {"app.py": "import flask\napp = flask.Flask('x')\napp = app()\n", "wsgi.py": "from app import app\n"},
            "app.py",
        ),
    ],
)
def test_a_file_that_only_names_an_entry_point_again_is_no_second_one(
    tmp_path: Path, files: dict[str, str], path: str
) -> None:
    write_function(tmp_path, "def new(): ...\n", "function/far.py")
    for name, source in files.items():
        write_function(tmp_path, source, name)

    assert find_entry(tmp_path).path == path


@pytest.mark.parametrize("given", ["'y'", "name='y'"])
def test_two_applications_of_one_factory_are_two_where_it_is_told_other_things(tmp_path: Path, given: str) -> None:
    write_function(tmp_path, f"{MAKES}app = make()\n", "app.py")
    write_function(tmp_path, f"from app import make\napplication = make({given})\n", "wsgi.py")

    with pytest.raises(EntryError, match="more than one entry point"):
        find_entry(tmp_path)
