"""The lines of a file as Python's parser counts them: only line feeds and carriage returns end one.

`str.splitlines` also breaks at form feeds and at a handful of Unicode's separators, which may stand inside of a line.
"""


def lines_of(text: str) -> list[str]:
    """The lines of `text` without their ends; the last one is empty where the text ends in a line break."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.split("\n")
