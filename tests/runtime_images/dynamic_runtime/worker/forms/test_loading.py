"""Layouts: where the entry point lies, what lies beside it, and what it imports it from."""

from pathlib import Path

import pytest

from tests.support.serving import serving, write_function


@pytest.mark.parametrize("entrypoint", ["src/main.py", ""])
def test_modules_beside_the_entry_point_are_imported(tmp_path: Path, entrypoint: str) -> None:
    write_function(tmp_path, "NAME = 'beside'\n", "src/model.py")
    write_function(tmp_path, "NAME = 'in a package'\n", "src/parts/one.py")
    write_function(tmp_path, "NAME = 'at the root'\n", "common.py")
    source = """
        import common, model
        from parts import one

        def handler(payload):
            return [common.NAME, model.NAME, one.NAME]
    """
    with serving(write_function(tmp_path, source, "src/main.py"), GAIA_ENTRYPOINT=entrypoint) as running:
        assert running.post({}).json() == ["at the root", "beside", "in a package"]


def test_a_package_may_take_its_function_from_another_module(tmp_path: Path) -> None:
    write_function(tmp_path, "from .service import new\n", "function/__init__.py")
    source = """
        from .words import GREETING

        class Service:
            async def handle(self, scope, receive, send):
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": GREETING})

        def new():
            return Service()
    """
    write_function(tmp_path, "GREETING = b'hello'\n", "function/words.py")
    with serving(write_function(tmp_path, source, "function/service.py")) as running:
        assert running.request("GET", "/").body == b"hello"
        assert running.event("ready")["entry"] == "function/__init__.py:new"


@pytest.mark.parametrize(
    ("name", "entrypoint"), [("handle", ""), ("handle", "x.py:handle"), ("predict", "x.py:predict")]
)
def test_parameters_decide_and_not_the_name(tmp_path: Path, name: str, entrypoint: str) -> None:
    function = write_function(tmp_path, f"def {name}(req):\n    return req\n", entrypoint[:4] or "handler.py")
    with serving(function, GAIA_ENTRYPOINT=entrypoint) as running:
        assert running.post({"a": 1}).json() == {"a": 1}


def test_an_entry_point_called_like_a_module_of_python_is_itself(tmp_path: Path) -> None:
    function = write_function(tmp_path, "def handler(payload):\n    return 'mine'\n", "signal.py")
    with serving(function, GAIA_ENTRYPOINT="signal.py") as running:
        assert running.post({}).json() == "mine"
