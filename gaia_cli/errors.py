"""What can go wrong, as a user sees it: one sentence, a hint, a documented exit code.

Findings, drift and a missed SLO are results, not errors: commands return `ExitCode.FINDINGS` for them.
"""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every `gaia` command (docs/reference.md)."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    ENGINE = 3
    CLUSTER = 4
    INTERRUPTED = 130
    TERMINATED = 143


class GaiaError(Exception):
    """An expected failure: `message` says what is wrong and where, `hint` what to do about it.

    Both are made printable here, since they name files and quote what others have said: one line each. The `log` of
    what failed follows in the message, on lines of its own.
    """

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(self, message: str, hint: str = "", log: Iterable[str] = ()) -> None:
        from analyzers.lean.printable import printable  # most runs fail at nothing

        self.message = printable(message) + "".join(f"\n  {printable(line.expandtabs())}" for line in log)
        super().__init__(self.message)
        self.hint = printable(hint)


class UsageError(GaiaError):
    """A flag or an argument that makes no sense."""


class ConfigurationError(GaiaError):
    """gaia.toml, pyproject.toml, func.yaml or an environment variable holds something unusable."""


class FunctionError(GaiaError):
    """The user's function cannot be served: no entry point, several, an import that fails, a wrong signature."""


class RequirementsError(GaiaError):
    """The function's requirements cannot be installed."""


class AnalysisError(GaiaError):
    """The analyzer could not do its work."""


class EngineError(GaiaError):
    """Docker, a GPU or its toolkit is missing or broken."""

    exit_code = ExitCode.ENGINE


class RequestError(GaiaError):
    """A request was answered with an error status, or not at all."""

    exit_code = ExitCode.FINDINGS
