"""YAML of other tools, as nodes: each value as it is written, with its line, and nothing made of it."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gaia_cli.errors import ConfigurationError

if TYPE_CHECKING:
    from yaml.nodes import Node

_NULL = "tag:yaml.org,2002:null"


class Said(NamedTuple):
    """A value as it stands in a file, and its line."""

    value: str
    line: int


def composed(text: str, place: Path) -> "Node | None":
    """Return the document in `text`, the content of the file at `place`.

    Raises:
        ConfigurationError: it is no YAML.
    """
    import yaml  # most functions have no such file

    try:
        return yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise ConfigurationError(f"{place}:{line}: not readable as YAML", "correct the file") from None


def keys(node: "Node | None") -> "dict[str, Node]":
    """Return the values of a mapping by their keys; of anything else none."""
    from yaml.nodes import MappingNode

    pairs = node.value if isinstance(node, MappingNode) else []
    return {key.value: value for key, value in pairs if isinstance(key.value, str)}


def rows(node: "Node | None") -> "list[Node]":
    """Return the values of a list; of anything else none."""
    from yaml.nodes import SequenceNode

    return node.value if isinstance(node, SequenceNode) else []


def said(node: "Node | None") -> Said | None:
    """Return a single value; None for anything else, and for null."""
    from yaml.nodes import ScalarNode

    is_value = isinstance(node, ScalarNode) and node.tag != _NULL
    return Said(str(node.value), node.start_mark.line + 1) if node is not None and is_value else None
