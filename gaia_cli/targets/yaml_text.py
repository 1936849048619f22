"""Objects of a cluster as YAML, in one form everywhere: what is printed, compared and written into a repository."""

from collections.abc import Iterable, Mapping
from typing import Any

_WIDTH = 2**20
"""Characters of a line: no value is broken, so that a difference shows whole ones."""


def as_yaml(object_: Mapping[str, Any]) -> str:
    """Return an object as YAML, in its own order."""
    import yaml

    return str(yaml.safe_dump(plain(object_), sort_keys=False, allow_unicode=True, width=_WIDTH))


def as_documents(objects: Iterable[Mapping[str, Any]]) -> str:
    """Return several objects as one stream of YAML, as kubectl reads it."""
    return "---\n".join(as_yaml(one) for one in objects)


def plain(value: Any) -> Any:  # noqa: ANN401 -- anything that JSON holds
    """Return a value of dictionaries, lists and plain values, as the writer wants it; equal parts are written twice."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, str) else value
