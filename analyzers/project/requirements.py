"""Requirements as pip reads them: what a line asks for, and the lines of a file with those that it includes.

The analyzer, the engines' environments and the images all read requirements here.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from posixpath import dirname, join, normpath

from analyzers.findings import Place
from analyzers.lean.patterns import Pattern
from analyzers.lean.records import record
from analyzers.project.model import Dependency

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""The mark of UTF-32-LE begins with that of UTF-16-LE, and goes first."""

_CODING = Pattern(
    r"#.{0,200}?coding[:=]\s{0,9}((?:ascii|big5|cp|euc|gb|iso|koi8|latin|mac|shift|us|utf|windows)[-\w.]{0,30})",
    re.IGNORECASE,
)
"""How the first two lines of a file may declare its encoding, as Python's do."""
_COMMENT = Pattern(r"(^|\s)#.*")
_OPTION = Pattern(r"(-[a-zA-Z]|--[a-z-]++)[ =]*+(.*+)")
_OPTIONS_BEHIND = Pattern(r"\s--?[a-zA-Z].*")
_REPOSITORY = Pattern(r"(-e\s+)?git\+(https|ssh|git)://")
_NAMED = Pattern(r"([A-Za-z0-9][A-Za-z0-9._-]*+)\s*+(?:\[([^\]]*+)\]\s*+)?+(?:[<>=!~;@(].*+)?+")
_WHEEL = Pattern(r"([A-Za-z0-9][A-Za-z0-9._]*+)-[^\-]++-.*\.whl")
"""The file name of a wheel: the package's name stands before the version."""
_FILES = Pattern(r"(-[^-]|--(requirement|constraint|editable|find-links)|\.{0,2}/|file:|[^\s#]+ *@ *file:)|.*\.whl$")
_LONGEST = 1000
"""A requirement of more characters, without the options behind it, is none."""
_DEEPEST = 20
"""How many files may include one another; pip's own users need two or three."""
_INCLUDE = ("-r", "--requirement")
_CONSTRAINTS = ("-c", "--constraint")
_SHORTEST = len("--c")
"""Characters of an option's name: pip takes a beginning for the whole."""
_NO_PATH = Pattern(r"(?i)(https?|file):|.*\$\{")
_PLAIN = Pattern(r"[!#-&(-\[\]-~ \t]*")
_WEB = Pattern(r"(?i)https?:")
_INDEX = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links")
_TARGET = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.0",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "sys_platform": "linux",
    "extra": "",
}
"""Where markers are evaluated: functions run on Linux, and a verdict must not depend on the analyzing machine."""


@record
class Requirement:
    """A package that a line asks for, by its normalized name; `extras` are normalized too."""

    name: str
    extras: tuple[str, ...] = ()


@record
class Line:
    """A line of a requirements file: lines that a backslash joins are one, comments are cut off."""

    path: str
    number: int
    text: str


def normalize(name: str) -> str:
    """Return the package name as registries compare it: lower case, one hyphen between words."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement(line: str) -> Requirement | None:
    """Return the package that `line` asks for; None for options, for paths, and where a marker rules out Linux."""
    bare = _OPTIONS_BEHIND.sub("", without_comment(line))
    named = _NAMED.fullmatch(bare) if len(bare) <= _LONGEST else None
    if named is None or not _applies(bare):
        return None
    extras = (extra.strip() for extra in (named[2] or "").split(","))
    return Requirement(normalize(named[1]), tuple(normalize(extra) for extra in extras if extra))


def _applies(line: str) -> bool:
    """Return whether a requirement's marker allows Linux; one that is missing or malformed does."""
    if ";" not in line:
        return True  # importing `packaging` makes linting 20 files a third slower (python -m benchmarks.analyzer)
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed

    try:
        marker = Parsed(line).marker
        return marker is None or marker.evaluate(dict(_TARGET))
    except (InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName, RecursionError):
        return True


def parse_requirement(place: Place, line: str) -> Dependency | None:
    """Return the dependency that a requirement line states, None for anything else; an index has no name.

    In the address of a wheel `%2B` is the plus sign of a build, as in `torch-2.1.0%2Bcpu`.
    """
    bare = without_comment(line)
    if _option(bare)[0] in _INDEX:
        return Dependency("", bare, place)
    if ".whl" in bare:
        bare = bare.replace("%2B", "+").replace("%2b", "+")
    if wheel := _WHEEL.fullmatch(bare.partition("#")[0].split(" ", 1)[0].rpartition("/")[2]):
        return Dependency(normalize(wheel[1]), bare, place)
    if _REPOSITORY.match(bare):
        name = bare.partition("#")[0].rstrip("/").rpartition("/")[2].partition("@")[0].removesuffix(".git")
        return Dependency(normalize(name), bare, place)
    wanted = requirement(bare)
    return Dependency(wanted.name, bare, place) if wanted else None


def text_of_list(data: bytes, errors: str = "strict") -> str:
    """Return the text of a requirements file as pip reads it: by its first bytes, by what it declares, else in UTF-8.

    Raises:
        UnicodeDecodeError: it is in another encoding.
    """
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    try:
        return data[len(mark) :].decode(_MARKS.get(mark) or declared_encoding(data), errors)
    except LookupError:
        return data.decode("utf-8", errors)


def declared_encoding(data: bytes) -> str:
    """Return the encoding that a comment in the first two lines declares, "utf-8" without one."""
    heads = (line.decode("latin-1") for line in data.split(b"\n", 2)[:2])
    return next((declared[1] for head in heads if (declared := _CODING.match(head))), "utf-8").lower()


def pythons(specifier: str, candidates: Iterable[str]) -> list[str]:
    """Return those of `candidates`, such as "3.12", that a project's requires-python allows; all if it is malformed."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        allowed = SpecifierSet(specifier)
    except InvalidSpecifier:
        return list(candidates)
    newest = 99  # of the patches of one version some may be ruled out
    return [one for one in candidates if f"{one}.{newest}" in allowed or f"{one}.0" in allowed]


def without_comment(line: str) -> str:
    """Return `line` without the comment at its end and the blanks around it."""
    return _COMMENT.sub("", line).strip()


def names_files(line: str) -> bool:
    """Return whether `line` names files of the function's own, so that it only works in their directory."""
    return _FILES.match(line) is not None


def is_single(line: str) -> bool:
    """Return whether pip reads `line`, which stands in no file, as one requirement: no option, and none behind it."""
    return line.splitlines() == [line] and not line.strip("\\ ").startswith("-") and not line.endswith("\\")


def included(line: str) -> str:
    """Return the requirements file that `line` includes, as pip reads it; empty for most lines."""
    return _value(line, *_INCLUDE)


def constraints(line: str) -> str:
    """Return the file of constraints that `line` names, as pip reads it; empty for most lines, and for an address."""
    path = "" if included(line) else _value(line, *_CONSTRAINTS)
    return "" if _WEB.match(path) else path


def is_path(name: str) -> bool:
    """Return whether `name`, an included file, is a path, and neither an address nor one that a variable decides."""
    return not _NO_PATH.match(name)


def _quoted_words(line: str) -> list[str]:
    import shlex  # few lines need it, and splitting by it takes ten times as long

    return shlex.split(line)


def _value(line: str, short: str, long: str) -> str:
    """Return the first value of an option in `line`, which may begin with another one."""
    if not line.startswith("-"):
        return ""
    try:
        words = line.split() if _PLAIN.fullmatch(line) else _quoted_words(line)
    except ValueError:
        return ""
    for place, word in enumerate(words):
        name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        if name == short or (len(name) >= _SHORTEST and long.startswith(name)):
            return value if equals else "".join(words[place + 1 : place + 2])
    return ""


def _option(line: str) -> tuple[str, str]:
    """Return the option and its value in `line`, both empty for a requirement."""
    match = _OPTION.fullmatch(line)
    return (match[1], match[2]) if match else ("", "")


def joined_lines(path: str, text: str) -> Iterator[Line]:
    """Yield the lines of the requirements file `path`, empty ones left out; an included file is a line."""
    pieces: list[str] = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        is_comment = line.lstrip().startswith("#")
        goes_on = line.endswith("\\") and not is_comment
        pieces.append(line.strip("\\") if goes_on else f" {line}" if is_comment else line)
        if goes_on and number < len(lines):
            continue
        bare = without_comment("".join(pieces))
        if bare:
            yield Line(path, number - len(pieces) + 1, bare)
        pieces = []


Reader = Callable[[str, tuple[Line, ...]], str]


def all_lines(
    path: str, read: Reader, chain: tuple[Line, ...] = (), done: dict[str, bool] | None = None
) -> Iterator[Line]:
    """Yield the lines of the requirements file `path` with those of the files that it includes in their places.

    `read` returns the text of a file. Its second argument is the chain of lines that include the file, which `chain`
    begins. A file that is
    included in two places is read once, so that the work grows with the number of files; one that includes itself is
    read again, for `read` to refuse. What is in `done`, which grows, counts as read.
    """
    return _lines(path, read, chain, {} if done is None else done)


def _lines(path: str, read: Reader, chain: tuple[Line, ...], done: dict[str, bool]) -> Iterator[Line]:
    """Yield what `all_lines` does; `done` says of each file that has been begun whether its end was reached."""
    name = normpath(path)
    if done.get(name) or len(chain) > _DEEPEST:
        return
    done[name] = False
    for line in joined_lines(path, read(path, chain)):
        if below := included(line.text):
            yield from _lines(join(dirname(path), below), read, (*chain, line), done)
        else:
            yield line
    done[name] = True
