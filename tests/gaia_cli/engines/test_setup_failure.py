import pytest

from gaia_cli.engines.setup_failure import SetupFailure
from gaia_cli.errors import EngineError, FunctionError, GaiaError, UsageError


def test_a_place_that_the_message_tells_already_is_not_told_twice() -> None:
    assert SetupFailure("import", "func.py:3 raised", "func.py", 3, ()).as_error().message == "func.py:3 raised"


def test_the_import_system_is_left_out_of_a_traceback() -> None:
    log = ('File "<frozen importlib._bootstrap>", line 1, in _load', "   ^^^^^", 'File "func.py", line 3', "boom")

    assert SetupFailure("import", "it failed", "", 0, log).as_error().message == (
        'it failed\n    File "func.py", line 3\n    boom'
    )


@pytest.mark.parametrize(
    ("kind", "error"),
    [("import", FunctionError), ("signature", FunctionError), ("port", UsageError), ("no_gpu", EngineError)],
)
def test_each_kind_of_setup_failure_has_its_error_and_a_hint(kind: str, error: type[GaiaError]) -> None:
    raised = SetupFailure(kind, "it failed", "", 0, ()).as_error()

    assert type(raised) is error
    assert raised.message == "it failed"
    assert raised.hint
