"""Regular expressions that are compiled when they are first used: most runs need few of them."""

import re
from itertools import takewhile

TYPE_CHECKING = False
if TYPE_CHECKING:
    Pattern = re.compile  # to a type checker it is what it compiles to
else:

    class Pattern:
        """A regular expression over text, with the methods of a compiled one."""

        def __init__(self, text: str, flags: int = 0) -> None:
            self._text = text
            self._flags = flags

        def __getattr__(self, name: str) -> object:
            method = getattr(re.compile(self._text, self._flags), name)
            setattr(self, name, method)  # from now on it is found without this detour
            return method


class AnyOf:
    """Many regular expressions without regard to case, separated by white space.

    One is compiled when a text first holds the letters that it begins with: a table of hundreds costs little more.
    """

    def __init__(self, patterns: str) -> None:
        self._patterns = [(_first_letters(text), Pattern(text, re.IGNORECASE)) for text in patterns.split()]

    def found_in(self, text: str) -> bool:
        """Return whether one of them matches anywhere in `text`."""
        lower = text.lower()
        return any(letters in lower and pattern.search(text) is not None for letters, pattern in self._patterns)


def _first_letters(pattern: str) -> str:
    """Return letters and digits without which `pattern` cannot match, empty where it does not begin with some."""
    text = pattern.removeprefix("\\b").removeprefix("^").lower()
    letters = "".join(takewhile(str.isalnum, text))
    rest = text[len(letters) :]
    if "|" in rest.partition("(")[0]:
        return ""
    return letters[:-1] if rest.startswith(("?", "*", "{")) else letters
