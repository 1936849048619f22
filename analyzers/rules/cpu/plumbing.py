"""GA604: libraries that move or reshape data."""

from analyzers.facts.model import Facts
from analyzers.findings import Signal
from analyzers.rules.knowledge.libraries import PLUMBING, lookup, outside
from analyzers.rules.rule import Hit, Hits, Rule


def _check(facts: Facts) -> Hits:
    seen: set[str] = set()
    for fact in outside(facts):
        key = lookup(fact.name, PLUMBING)
        if key and key not in seen:
            seen.add(key)
            yield Hit(fact.place, f"imports {key}, which handles {PLUMBING[key]}", "handles")


RULE = Rule(
    code="GA604",
    name="plumbing",
    summary="The function fetches, parses or reshapes data.",
    rationale="HTTP, XML, databases and pictures are work for a CPU. Beside a model they say nothing, hence the small "
    "weight; where nothing else is found they are what the function does.",
    remedy="",
    confidence=0.5,
    signal=Signal.SPEAKS_FOR_CPU,
    check=_check,
    weights=("handles",),
    matches=("import requests", "import xml.etree.ElementTree as ET", "from PIL import Image"),
    passes=("import torch", "import json"),
)
