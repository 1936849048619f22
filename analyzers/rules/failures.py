"""Findings that no rule checks for: failures of the analysis (9xx), and comments that silence nothing (GA890).

They have a code, a name, a level and a remedy like any rule, and `gaia rule` explains them.
"""

from analyzers.findings import Level, Signal
from analyzers.rules.rule import Hits, Rule

_UNREAD = "No comment can silence it, since a file that was not analyzed proves nothing."


def _nothing(_subject: None) -> Hits:
    return iter(())


def _failure(code: str, name: str, summary: str, remedy: str, level: Level = Level.ERROR) -> Rule[None]:
    return Rule(code, name, summary, _UNREAD, 1.0, Signal.FAILURE, _nothing, remedy, level, hook=True)


RULES: tuple[Rule[None], ...] = (
    Rule(
        code="GA890",
        name="unused-suppression",
        summary="A comment silences nothing.",
        rationale="The code has changed, the comment is on another line than the finding, or it names no rule that "
        "there is. If it stays, it hides the next finding before anybody has seen it, or lets somebody believe so.",
        remedy="Remove the comment, or correct what it names: `gaia rules` lists the rules.",
        confidence=0.95,
        signal=Signal.CONTRADICTION,
        check=_nothing,
        level=Level.WARNING,
        hook=True,
    ),
    _failure(
        "GA901",
        "invalid-python",
        "The file is not valid Python for the version that Gaia runs on, nor for a newer one that is installed.",
        "Correct the syntax, run Gaia with the Python that the message names, or `exclude` the file if it is a "
        "template or for Python 2. In a notebook the finding is at the first invalid cell.",
    ),
    _failure(
        "GA902",
        "too-large",
        "The file is too large to be analyzed.",
        "`exclude` the file: one of this size is data or generated. The limit is 1 MiB for code and 16 MiB for a whole "
        "notebook.",
    ),
    _failure(
        "GA903",
        "not-text",
        "The file cannot be read as text.",
        "Save the file as UTF-8 without NUL bytes, or declare its encoding in the first line. A notebook must be in "
        "format 4.",
    ),
    _failure(
        "GA904",
        "too-deep",
        "The code is nested too deeply, or takes too long to parse.",
        "Split the largest expression, or `exclude` the file if it is generated.",
    ),
    _failure(
        "GA905",
        "too-entangled",
        "The code is too entangled to be followed within the budget.",
        "Assign the device near its use, without detours. It depends on more values than the analysis follows, so it "
        "may stay unknown; the verdict is then never `cpu`.",
        Level.NOTE,
    ),
    _failure(
        "GA906",
        "rule-failed",
        "A rule failed, which is a bug in Gaia.",
        "Please report it, with the file if you can. The other rules have checked the file.",
    ),
    _failure(
        "GA907",
        "inference-failed",
        "The inference of devices failed, which is a bug in Gaia; a device may have stayed unknown.",
        "Please report it, with the file if you can. Everything else has checked the file.",
    ),
    _failure(
        "GA908",
        "refused",
        "A file or a directory cannot be read.",
        "Make it readable for the user that Gaia runs as, mend the link, or `exclude` it.",
    ),
)
"""Each of the 9xx but GA905 makes `gaia analyze` exit with 2."""
