"""What each code means for a linter: its level and how sure its rule is. Fixed here, and shown by `gaia rules`.

The level follows from the family. Evidence for the verdict (1xx to 6xx) is nothing to put right: a note, linted for
only when asked. Hygiene (7xx) is what keeps a function from switching or spoils it when it does, and a contradiction
(8xx) a declaration that the code does not bear out: warnings, or errors
where the function could not work as declared. What could not be analyzed (9xx) is an
error, but for GA905: nobody can put right that their code is entangled, and only that one device stays unknown.

The confidence is a judgement: high where the code says it in so many words, medium where a value was followed or a
name was recognised, low where a habit was taken for an intent.
"""

from analyzers.formats.findings import Confidence, Level
from analyzers.lean.records import record


@record
class Profile:
    """The level of a code and the confidence of its rule."""

    level: Level
    confidence: Confidence


_NOTE_HIGH = Profile(Level.NOTE, Confidence.HIGH)
_NOTE_MEDIUM = Profile(Level.NOTE, Confidence.MEDIUM)
_NOTE_LOW = Profile(Level.NOTE, Confidence.LOW)
_WARNING_HIGH = Profile(Level.WARNING, Confidence.HIGH)
_WARNING_MEDIUM = Profile(Level.WARNING, Confidence.MEDIUM)
_ERROR = Profile(Level.ERROR, Confidence.HIGH)

UNUSED_SUPPRESSION = "GA890"
ENTANGLED = "GA905"

PROFILES: dict[str, Profile] = {
    "GA101": _NOTE_HIGH,
    "GA102": _NOTE_HIGH,
    "GA103": _NOTE_HIGH,
    "GA104": _NOTE_MEDIUM,
    "GA201": _NOTE_HIGH,
    "GA202": _NOTE_HIGH,
    "GA203": _NOTE_MEDIUM,
    "GA204": _NOTE_HIGH,
    "GA205": _NOTE_HIGH,
    "GA206": _NOTE_HIGH,
    "GA207": _NOTE_HIGH,
    "GA208": _NOTE_MEDIUM,
    "GA209": _NOTE_MEDIUM,
    "GA210": _NOTE_MEDIUM,
    "GA211": _NOTE_MEDIUM,
    "GA212": _NOTE_HIGH,
    "GA301": _NOTE_HIGH,
    "GA302": _NOTE_HIGH,
    "GA303": _NOTE_HIGH,
    "GA304": _NOTE_HIGH,
    "GA401": _NOTE_MEDIUM,
    "GA402": _NOTE_MEDIUM,
    "GA403": _NOTE_MEDIUM,
    "GA404": _NOTE_MEDIUM,
    "GA405": _NOTE_MEDIUM,
    "GA501": _NOTE_MEDIUM,
    "GA502": _NOTE_MEDIUM,
    "GA503": _NOTE_MEDIUM,
    "GA504": _NOTE_MEDIUM,
    "GA601": _NOTE_MEDIUM,
    "GA602": _NOTE_HIGH,
    "GA603": _NOTE_LOW,
    "GA604": _NOTE_LOW,
    "GA701": _WARNING_HIGH,
    "GA702": _WARNING_HIGH,
    "GA703": _WARNING_MEDIUM,
    "GA704": _WARNING_MEDIUM,
    "GA705": _WARNING_MEDIUM,
    "GA706": _WARNING_MEDIUM,
    "GA707": _WARNING_MEDIUM,
    "GA708": _WARNING_MEDIUM,
    "GA709": _WARNING_MEDIUM,
    "GA710": _WARNING_MEDIUM,
    "GA711": _WARNING_HIGH,
    "GA801": _ERROR,
    "GA802": _WARNING_MEDIUM,
    "GA803": _NOTE_HIGH,
    "GA804": _WARNING_HIGH,
    "GA805": _WARNING_HIGH,
    "GA806": _ERROR,
    UNUSED_SUPPRESSION: _WARNING_HIGH,
    "GA901": _ERROR,
    "GA902": _ERROR,
    "GA903": _ERROR,
    "GA904": _ERROR,
    ENTANGLED: _NOTE_HIGH,
    "GA906": _ERROR,
    "GA907": _ERROR,
}

MODE_CODES = ("GA801", "GA802", "GA803", "GA804", "GA805", "GA806")
"""What is held against whole functions; asking for it costs an analysis of each."""

FAILURE_FAMILY = "GA9"
"""What could not be analyzed; shown by default, whatever its level."""

GAIAS_OWN_FAILURES = frozenset({"GA906", "GA907"})
"""Failures of Gaia, not of the code: they make the exit code 2."""


_FAMILIES = {"7": _WARNING_MEDIUM, "8": _WARNING_MEDIUM, "9": _ERROR}


def profile(code: str) -> Profile:
    """The profile of `code`; one that is not in the table has that of its family."""
    return PROFILES.get(code) or _FAMILIES.get(code[2:3], _NOTE_MEDIUM)
