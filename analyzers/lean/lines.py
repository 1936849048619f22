"""Text in the lines that Python's parser counts."""

LONGEST_EXCERPT = 1000
"""How many characters of a line a finding keeps: a line of a megabyte may have tens of thousands of findings."""


def lines_of(text: str) -> list[str]:
    """Return the lines of `text` without their ends; the last one is empty where the text ends in a line break.

    Only line feeds and carriage returns end a line, as in Python's parser. `str.splitlines` also breaks at form feeds
    and at a handful of Unicode's separators, which may stand inside of a line.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.split("\n")
