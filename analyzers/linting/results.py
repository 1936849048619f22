"""What linting a file gives: the result that is reported and cached, and what it depends on."""

from analyzers.findings import Finding
from analyzers.lean.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from analyzers.linting.suppression import Suppression


@record
class FileResult:
    """What was found in the file `path`, which is relative to the root with forward slashes.

    `findings` are in the order of their places, failures of the analysis (GA9xx) among them; `suppressed` are those
    that a comment silences; `suppressions` are all such comments in the file, also those that silence nothing.
    """

    path: str
    findings: tuple[Finding, ...]
    suppressed: tuple[Finding, ...] = ()
    suppressions: "tuple[Suppression, ...]" = ()


@record
class Linted:
    """A result and the other modules it depends on: those that were read, and those that were not there."""

    result: FileResult
    read: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
