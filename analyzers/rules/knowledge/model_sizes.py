"""How many parameters a model has, by its name: the number that most names carry ("7B", "560m"), else the family's.

model_sizes.tsv has the families and the ready-made architectures, in millions of parameters.
"""

import re
from functools import cache
from itertools import groupby

from analyzers.lean.patterns import AnyOf, Pattern
from analyzers.lean.tables import read_tables

_NUMBER = Pattern(r"(?<![a-z0-9.])(\d{1,3}x)?(\d{1,4}(?:[._]\d{1,3})?)\s?(b|m)(?![a-z0-9])", re.IGNORECASE)
_SUFFIX = Pattern(r"\.(pt|pth|bin|ckpt|gguf|onnx|safetensors)$", re.IGNORECASE)
_BITS = Pattern(r"\b\d+(\.\d+)?-?bit\b", re.IGNORECASE)


@cache
def sizes() -> dict[str, dict[str, float]]:
    """Return the tables, each by name or pattern, read at the first use: most functions name no model."""
    tables = read_tables(__file__, "model_sizes")
    return {title: {name: float(size) for name, size in table.items()} for title, table in tables.items()}


@cache
def _families() -> tuple[tuple[AnyOf, float], ...]:
    """Return the patterns that follow each other with one size, in order."""
    patterns = sizes()["FAMILIES"]
    return tuple((AnyOf(" ".join(names)), size) for size, names in groupby(patterns, key=patterns.__getitem__))


def parameters(name: str) -> float | None:
    """Return the millions of parameters of the model called `name`, None when the name does not say."""
    plain = _BITS.sub("", _SUFFIX.sub("", name))
    match = _NUMBER.search(plain)
    if match:
        count = float(match[2].replace("_", ".")) * (1000 if match[3].lower() == "b" else 1)
        return count * (int(match[1][:-1]) if match[1] else 1)
    return next((size for names, size in _families() if names.found_in(plain)), None)
