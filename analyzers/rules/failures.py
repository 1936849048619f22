"""What is told beside the rules: failures of the analysis (9xx), and comments that silence nothing (GA890).

They are rules in all but the check: code, name, level and remedy stand with the others', and `gaia rule` explains them.
"""

from analyzers.findings import Level, Signal
from analyzers.rules.rule import Hits, Rule

_UNREAD = "No comment silences it: an unread file proves nothing."


def _nothing(_subject: None) -> Hits:
    return iter(())


def _failure(code: str, name: str, summary: str, remedy: str, level: Level = Level.ERROR) -> Rule[None]:
    return Rule(code, name, summary, _UNREAD, 1.0, Signal.FAILURE, _nothing, remedy, level, hook=True)


RULES: tuple[Rule[None], ...] = (
    Rule(
        code="GA890",
        name="unused-suppression",
        summary="A comment silences a rule that finds nothing there.",
        rationale="The code has changed since, or the comment stands on another line than the finding. Left there, it "
        "would silence the next finding that nobody has looked at.",
        remedy="Remove the comment.",
        confidence=0.95,
        signal=Signal.CONTRADICTION,
        check=_nothing,
        level=Level.WARNING,
        hook=True,
    ),
    _failure(
        "GA901",
        "invalid-python",
        "The file is not valid Python for the version that Gaia runs on.",
        "Correct the syntax. Leave out a template, or a file for another Python, with `exclude`. Of a notebook the "
        "first cell that is not Python is named.",
    ),
    _failure(
        "GA902",
        "too-large",
        "The file is larger than the analyzer reads.",
        "Leave it out with `exclude`: such files are data or generated. The limit is 1 MiB, and 16 MiB for a notebook, "
        "whose code is held to 1 MiB too.",
    ),
    _failure(
        "GA903",
        "not-text",
        "The file is not readable as text: its encoding, or NUL bytes.",
        "Save it as UTF-8, or declare its encoding in the first line. A notebook must be JSON of format 4.",
    ),
    _failure(
        "GA904",
        "too-deep",
        "The code is nested too deeply.",
        "Break its largest expression into several, or leave generated code out with `exclude`.",
    ),
    _failure(
        "GA905",
        "too-entangled",
        "The file is too entangled to be evaluated within the budget.",
        "Assign the device plainly, near its use. What it is depends on more values than the budget of the analysis "
        "follows, so one device may stay unknown; the verdict is then never `cpu`.",
        Level.NOTE,
    ),
    _failure(
        "GA906",
        "rule-failed",
        "A rule failed; this is a bug in Gaia.",
        "Please report it, with the file where you can. The other rules have looked at the file.",
    ),
    _failure(
        "GA907",
        "inference-failed",
        "Inference failed, so a device may have stayed unknown; this is a bug in Gaia.",
        "Please report it, with the file where you can. Everything else has looked at the file.",
    ),
)
"""Each of the 9xx but GA905 makes `gaia analyze` exit with 2."""
