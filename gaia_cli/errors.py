"""What can go wrong, as a user sees it: one sentence, a hint, a documented exit code.

Findings, drift and a missed SLO are results, not errors: commands return `ExitCode.FINDINGS` for them.
"""

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
    """An expected failure: `message` says what is wrong and where, `hint` what to do about it."""

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


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
