"""What linting a file gives: the result that is reported and cached, and what it depends on."""

from analyzers.findings import Finding, Place
from analyzers.lean.records import record


@record
class Vain:
    """A comment that does not do what it says: where it begins, and the message."""

    place: Place
    message: str


@record
class FileResult:
    """What was found in the file `path`, which is relative to the root with forward slashes.

    `findings` are in the order of their places, failures of the analysis (GA9xx) among them; what a comment silences is
    none. `vain` are the comments that silence nothing, or nothing that there is.
    """

    path: str
    findings: tuple[Finding, ...]
    vain: tuple[Vain, ...] = ()


@record
class Linted:
    """A result and the other modules it depends on: those that were read, and those that were not there.

    `unimported` says that it holds while nothing imports the file.
    """

    result: FileResult
    read: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    unimported: bool = False
