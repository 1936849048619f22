"""GA604: libraries that move or reshape data."""

from analyzers.facts.model import Facts
from analyzers.findings import Signal
from analyzers.rules.knowledge.libraries import PLUMBING, used
from analyzers.rules.rule import Hit, Hits, Rule


def _check(facts: Facts) -> Hits:
    for key, fact in used(facts, PLUMBING):
        yield Hit(fact.place, f"imports {key}, which handles {PLUMBING[key]}", "handles")


RULE = Rule(
    code="GA604",
    name="plumbing",
    summary="The function fetches, parses or reshapes data.",
    rationale="HTTP, XML, databases and pictures are work for a CPU. Beside a model they say nothing, hence the small "
    "weight; where nothing else is found they are what the function does.",
    confidence=0.5,
    signal=Signal.SPEAKS_FOR_CPU,
    check=_check,
    weights={"handles": -0.1},
    matches=("import requests", "import xml.etree.ElementTree as ET", "from PIL import Image"),
    passes=("import torch", "import json"),
)
