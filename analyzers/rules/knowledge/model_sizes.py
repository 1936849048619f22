"""How many parameters a model has, by its name: a model that is known, a number that the name carries, or a family's.

model_sizes.tsv has the models, the families and the ready-made architectures, in millions of parameters.
"""

import re
from functools import cache
from itertools import groupby

from analyzers.lean.patterns import AnyOf, Pattern
from analyzers.lean.records import record
from analyzers.lean.tables import read_tables

_NUMBER = Pattern(r"(?<![a-z0-9.])(\d{1,3}x)?(\d{1,4}(?:[._]\d{1,3})?)\s?(b|m)(?![a-z0-9])", re.IGNORECASE)
_SUFFIX = Pattern(r"\.(pt|pth|bin|ckpt|gguf|onnx|safetensors)$", re.IGNORECASE)
_BITS = Pattern(r"\b\d+(\.\d+)?-?bit\b", re.IGNORECASE)
_FORMAT = Pattern(r"(-(onnx|openvino|int8|int4|fp16|bf16|gguf|gptq|awq|ct2|4bit|8bit|quantized|hf)){1,3}$")
"""What the name of a copy adds: the format of the weights, which are as many."""


@record
class Size:
    """Millions of parameters, and how many of them are words that are looked up and not computed with.

    `known` says that they are those of this very model, not the least of its family.
    """

    millions: float
    known: bool
    words: float = 0.0


@cache
def sizes() -> dict[str, dict[str, float]]:
    """Return the tables, each by name or pattern, read at the first use: most functions name no model."""
    tables = read_tables(__file__, "model_sizes")
    return {title: {name: float(size) for name, size in table.items()} for title, table in tables.whole().items()}


@cache
def _families() -> tuple[tuple[AnyOf, float], ...]:
    """Return the patterns that follow each other with one size, in order."""
    patterns = sizes()["FAMILIES"]
    return tuple((AnyOf(" ".join(names)), size) for size, names in groupby(patterns, key=patterns.__getitem__))


def parameters(name: str) -> Size | None:
    """Return the size of the model called `name`, None when the name does not say."""
    plain = _SUFFIX.sub("", name)
    published = _published(plain, "MODELS")
    if published is not None:
        return Size(published, known=True, words=_published(plain, "WORDS") or 0.0)
    plain = _BITS.sub("", plain)
    if match := _NUMBER.search(plain):
        count = float(match[2].replace("_", ".")) * (1000 if match[3].lower() == "b" else 1)
        return Size(count * (int(match[1][:-1]) if match[1] else 1), known=True)
    least = next((size for names, size in _families() if names.found_in(plain)), None)
    return Size(least, known=False) if least is not None else None


def _published(name: str, table: str) -> float | None:
    """Return what a table says of a model by its id, with or without its owner, or by a name such as `ViT-B/32`."""
    models = sizes()[table]
    whole = name.lower().replace("_", "-")
    last = whole.rpartition("/")[2]
    found = (models.get(one) for one in (whole, last, _FORMAT.sub("", last)))
    return next((size for size in found if size is not None), None)
