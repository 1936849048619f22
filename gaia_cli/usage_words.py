"""Usage errors in the words of every other error: Typer hands on those of the library that validates its values."""

import re

_VALUE = re.compile(
    r"invalid value for '(?P<name>[^']+)'(?: \(env var: '(?P<variable>\w+)'\))?: (?P<what>.*)", re.DOTALL
)
_NO_CHOICE = re.compile(r"Value error, (?P<given>'.*') is not one of (?P<choices>.*)", re.DOTALL)
_WORDS = (
    (r"Input should be a valid integer.*", "must be a whole number"),
    (r"Input should be a valid number.*", "must be a number"),
    (r"Input should be a finite number.*", "must be a finite number"),
    (r"Input should be less than or equal to (\S+)", r"must be at most \1"),
    (r"Input should be greater than or equal to (\S+)", r"must be at least \1"),
    (r"Input should be (\w+ than \S+)", r"must be \1"),
    (r"(?:Value error, |Assertion failed, )(.*)", r"does not fit: \1"),
)


def usage_words(message: str) -> tuple[str, str]:
    """`message` of Typer's as a sentence without a full stop, and a hint, empty where it has none of its own."""
    plain = message.strip().removesuffix(".")
    sentence = plain[:1].lower() + plain[1:]
    value = _VALUE.fullmatch(sentence)
    if value is None:
        return sentence, ""
    name = f"{value['name']} (or {value['variable']})" if value["variable"] else value["name"]
    choice = _NO_CHOICE.fullmatch(value["what"])
    if choice:
        return f"{name} cannot be {choice['given']}", f"use one of {choice['choices'].replace(chr(39), '')}"
    for pattern, words in _WORDS:
        found = re.fullmatch(pattern, value["what"], re.DOTALL)
        if found:
            return f"{name} {found.expand(words)}", ""
    return sentence, ""
