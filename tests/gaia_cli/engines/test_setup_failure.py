import pytest

from gaia_cli.engines.setup_failure import setup_error
from gaia_cli.errors import EngineError, FunctionError, GaiaError, UsageError
from runtime_images.events.lifecycle import SetupFailed
from runtime_images.policy.model import CPU


def test_the_message_says_where_and_is_shown_as_it_is() -> None:
    failure = SetupFailed(CPU, "import", "func.py:3 raised", "func.py", 3)

    assert setup_error(failure).message == "func.py:3 raised"


def test_what_leads_to_the_functions_code_is_left_out_of_a_traceback() -> None:
    log = (
        "Traceback (most recent call last):",
        '  File "/x/runtime_images/dynamic_runtime/worker/contract.py", line 9, in load',
        "    module = importlib.import_module(entry.module)",
        "             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
        '  File "<frozen importlib._bootstrap>", line 1, in _load',
        '  File "func.py", line 3',
        "    import absent",
        "boom",
    )

    reported = setup_error(SetupFailed(CPU, "import", "it failed", log=log)).message.splitlines()

    assert [line.strip() for line in reported] == [
        "it failed", "Traceback (most recent call last):", 'File "func.py", line 3', "import absent", "boom",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "error"),
    [("import", FunctionError), ("signature", FunctionError), ("port", UsageError), ("no_gpu", EngineError)],
)
def test_each_kind_of_setup_failure_has_its_error_and_a_hint(kind: str, error: type[GaiaError]) -> None:
    raised = setup_error(SetupFailed(CPU, kind, "it failed"))

    assert type(raised) is error
    assert raised.message == "it failed"
    assert raised.hint
