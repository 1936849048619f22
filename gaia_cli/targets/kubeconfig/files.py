"""The files of a kubeconfig, merged: the first one to set a value or a name wins, and each entry knows its file.

An own reader on PyYAML: those of the Python clients know nothing of `as`, of certificates from a plugin, of a second
file's folder, or of a line number (CONTRIBUTING.md, "Dependencies").
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gaia_cli.errors import ConfigurationError, MissingPartError

MOST_BYTES = 4 * 1024 * 1024
"""The most that is read of a kubeconfig or of a file that it names: hundreds of clusters with their certificates."""

_LISTS = {"clusters": "cluster", "users": "user", "contexts": "context"}
"""The lists of named entries, and the key that an entry has beside its name."""


class KubeconfigError(ConfigurationError):
    """A kubeconfig cannot be used; the hint says what to do, in any case that another one helps."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint or "mend it there, or let the tool that made the cluster write a new one")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file says of a cluster, a user or a context; relative paths in it count from `folder`."""

    kind: str
    name: str
    values: Mapping[str, Any]
    file: str

    @property
    def folder(self) -> Path:
        """Where relative paths in the entry count from."""
        return Path(self.file).parent

    @property
    def place(self) -> str:
        """The entry in words."""
        return f"{self.kind} {self.name} in {self.file}"


@dataclass(slots=True)
class Kubeconfig:
    """All files together."""

    files: tuple[str, ...]
    current_context: str = ""
    clusters: dict[str, Entry] = field(default_factory=dict)
    users: dict[str, Entry] = field(default_factory=dict)
    contexts: dict[str, Entry] = field(default_factory=dict)


def find(environ: Mapping[str, str], explicit: Path | None = None) -> tuple[str, ...]:
    """Return the files that are there, in the order in which they count; none where nothing says that there are any.

    Raises:
        MissingPartError: files are named, and none of them exists.
    """
    listed = environ.get("KUBECONFIG", "")
    if explicit is not None:
        named, source = [str(explicit)], "--kubeconfig"
    elif listed:
        named, source = [name for name in listed.split(os.pathsep) if name], "KUBECONFIG"
    else:
        named, source = [str(Path(environ.get("HOME") or "~").expanduser() / ".kube" / "config")], ""
    there = tuple(dict.fromkeys(os.path.abspath(name) for name in named if os.path.lexists(name)))  # noqa: PTH100
    if not there and source:
        which = ", ".join(named) or f"{listed!r}"
        raise MissingPartError(f"no kubeconfig: {source} names {which}, which does not exist", "name one that exists")
    return there


def load(files: tuple[str, ...]) -> Kubeconfig:
    """Read the files and merge them.

    Raises:
        KubeconfigError: one cannot be read, or is no kubeconfig.
    """
    merged = Kubeconfig(files)
    for file in files:
        content = _parsed(file)
        if content.get("kind", "Config") != "Config":
            raise KubeconfigError(f"{file} is no kubeconfig: its kind is {content['kind']}")
        current = content.get("current-context") or ""
        merged.current_context = merged.current_context or text_of(current, "current-context", file)
        for kind, into in zip(_LISTS, (merged.clusters, merged.users, merged.contexts), strict=True):
            for entry in _entries(content, kind, file):
                into.setdefault(entry.name, entry)
    return merged


def text_of(value: object, key: str, place: str) -> str:
    """Return a text that the file must hold.

    Raises:
        KubeconfigError: it is no text.
    """
    if not isinstance(value, str):
        raise KubeconfigError(f"{key} of {place} must be a text", "put it into quotes")
    return value


def _entries(content: Mapping[str, Any], kind: str, file: str) -> Iterator[Entry]:
    key = _LISTS[kind]
    listed = content.get(kind) or []
    if not isinstance(listed, list):
        raise KubeconfigError(f"{kind} in {file} must be a list of names, each with a {key}")
    names: set[str] = set()
    for item in listed:
        name = item.get("name") if isinstance(item, dict) else None
        values = (item.get(key) or {}) if isinstance(item, dict) else None
        if not isinstance(name, str) or not isinstance(values, dict):
            raise KubeconfigError(f"an entry of {kind} in {file} must have a name and a {key}")
        if name in names:
            raise KubeconfigError(f"{key} {name} stands twice in {file}", "take one of the two out")
        names.add(name)
        yield Entry(key, name, values, file)


def _parsed(file: str) -> dict[str, Any]:
    import yaml

    text = _read(file)
    try:
        content = _loader()(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise KubeconfigError(f"{file}:{line} is no YAML: {error.problem}", "mend the kubeconfig there") from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise KubeconfigError(f"{file} is no YAML", "mend the kubeconfig") from None
    if content is not None and not isinstance(content, dict):
        raise KubeconfigError(f"{file} is no kubeconfig: it must have clusters, users and contexts")
    return content or {}


def _read(file: str) -> str:
    from analyzers.lean.files import read_bounded

    try:
        with open(file, "rb") as opened:  # noqa: PTH123 -- also a pipe, as of `<(command)`
            return read_bounded(opened, file, MOST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise KubeconfigError(f"the kubeconfig {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KubeconfigError(f"{file} is no YAML: it is not encoded in UTF-8") from None


def _loader() -> Any:  # noqa: ANN401 -- a class of a library that is loaded late
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses a key that stands twice: whoever reads the file sees another one than counts."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401 -- PyYAML's node
            keys: set[str] = set()
            for key, _value in node.value:
                if key.value in keys:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands twice", key.start_mark)
                if isinstance(key.value, str):
                    keys.add(key.value)
            return super().construct_mapping(node, deep)

    return Loader
