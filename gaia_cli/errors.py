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


_LONGEST = 5000
"""Characters of a message: more than the longest path, and less than what would hide the lines above it."""


def shell_word(path: object) -> str:
    """Return a path as one word of a command that somebody copies into a shell, where it is no option."""
    import shlex

    word = str(path)
    return shlex.quote(f"./{word}" if word.startswith("-") else word)


class GaiaError(Exception):
    """An expected failure: `message` says what is wrong and where, `hint` what to do about it.

    Both are made printable here, since they name files and quote what others have said: one line each, and no endless
    message. The `log` of what failed follows in the message, on lines of its own. A hint writes a path in a command as
    a `shell_word`.
    """

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(self, message: str, hint: str = "", log: Iterable[str] = ()) -> None:
        from analyzers.lean.printable import in_short, printable  # most runs fail at nothing

        lines = [in_short(message, _LONGEST), *(f"  {in_short(line.expandtabs(), _LONGEST)}" for line in log)]
        self.message = "\n".join(lines)
        super().__init__(self.message)
        self.hint = printable(hint)  # whole: what is quoted in a command must stay so

    def put_before(self, place: str) -> None:
        """Say first where it happened, for whoever asked for several things at once."""
        from analyzers.lean.printable import printable

        self.message = f"{printable(place)}: {self.message}"
        self.args = (self.message,)


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


class RuntimeDiedError(GaiaError):
    """The runtime of a function here ended unasked: killed, out of memory, or by a bug of Gaia's."""


class MissingPartError(GaiaError):
    """Something that a cluster needs is missing on this machine: a kubeconfig, a plugin, a library."""

    exit_code = ExitCode.ENGINE


class ClusterRefused(GaiaError):  # noqa: N818 -- it reads as the sentence that it is
    """The cluster said no, gave no answer, or did not get ready."""

    exit_code = ExitCode.CLUSTER


class RegistryUnreachable(ClusterRefused):
    """A registry gave no answer, so that nothing is known of an image there."""


class RequestError(GaiaError):
    """A request was answered with an error status, or not at all."""

    exit_code = ExitCode.FINDINGS
