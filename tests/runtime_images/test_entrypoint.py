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
    assert entry.module == name.removesuffix(".py").replace("/", ".")


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
    function = write_function(tmp_path, "from fastapi import FastAPI\n\napp = FastAPI()\n", "main.py")

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
