"""A function's name: one rule wherever it is used, and a legal name for whoever has none.

The name becomes part of image names, of objects in a cluster and of host names. Gaia never changes one silently: two
folders, `My_Model` and `my-model`, would then be one function. So a folder may be called anything, and is analyzed,
linted and invoked as it is; what runs, builds or deploys a function by its name says what is wrong with that.
"""

import re
from pathlib import Path

from gaia_cli.errors import ConfigurationError, UsageError
from gaia_cli.project.kinds import Kind, PartError

LONGEST_LABEL = 63
"""Letters of a DNS label, and so of every name that becomes part of a host's (RFC 1123)."""
ALLOWED = "lower-case letters, digits and hyphens, beginning with a letter"
HAS = {
    r"[A-Z]": "capital letters",
    r"_": "underscores",
    r"\.": "dots",
    r"\s": "blanks",
    r"[^A-Za-z0-9_.\s-]": "characters that no name may have",
}
DOES = {r"\A[0-9]": "begins with a digit", r"\A-": "begins with a hyphen", r"-\Z": "ends with a hyphen"}


def what_is_wrong(name: str, longest: int = LONGEST_LABEL) -> str:
    """Return what keeps a name from being one, as the rest of a sentence about it; empty where nothing does."""
    if not name:
        return "is empty"
    has, does = ([said for pattern, said in table.items() if re.search(pattern, name)] for table in (HAS, DOES))
    if has or does:
        found = _joined([f"has {_joined(has)}", *does] if has else does)
        return f"{found}; a name is made of {ALLOWED}"
    return "" if len(name) <= longest else f"has {len(name)} letters, and {longest} are the most{_place(longest)}"


def legal_name(name: str, longest: int = LONGEST_LABEL) -> str:
    """Return a legal name that is as near to `name` as can be; to be proposed, never to be taken unasked."""
    if not what_is_wrong(name, longest):
        return name
    label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if label[:1].isdigit():
        label = f"fn-{label}"
    return label[:longest].rstrip("-") or "my-function"


def checked_name(name: str) -> str:
    """Return a name that a verb was given, if a function can have it.

    Raises:
        UsageError: no function can be called so.
    """
    if wrong := what_is_wrong(name):
        raise UsageError(f"no function is called {name!r}: it {wrong}", f"did you mean {legal_name(name)}?")
    return name


def check_name(directory: Path, name: str, longest: int = LONGEST_LABEL) -> None:
    """See to it that the name of the function in `directory` is one.

    Raises:
        ConfigurationError: it is not; the hint is a name that would be.
    """
    if wrong := what_is_wrong(name, longest):
        hint = f'name it in gaia.toml: [function] name = "{legal_name(name, longest)}"'
        raise ConfigurationError(f"{directory}: the function's name {name!r} {wrong}", hint)


def _name(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    if wrong := what_is_wrong(value):
        raise PartError(f"{value!r} {wrong}", (), f'write name = "{legal_name(value)}"')
    return value


def _joined(said: list[str]) -> str:
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def _place(longest: int) -> str:
    is_cluster = longest < LONGEST_LABEL
    return " in a cluster, where each backend and each of its addresses adds to it" if is_cluster else ""


NAME = Kind(f"a name of {ALLOWED}", _name)
"""The name of a function, as gaia.toml gives it."""
