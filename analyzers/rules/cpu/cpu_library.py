"""GA601: libraries that compute on the CPU."""

from analyzers.facts.model import Facts
from analyzers.rules.knowledge.libraries import CPU_ONLY, lookup, outside
from analyzers.rules.model import Found, Rule, Signal

_WEIGHTS = dict.fromkeys(("networkx", "nltk", "pandas", "polars"), -0.2) | dict.fromkeys(
    ("dlib", "mediapipe", "sklearn", "spacy"), -0.3
)
"""Libraries that often prepare what a network then works on; -0.8 for the others."""


def _check(facts: Facts) -> Found:
    seen = set()
    for fact in outside(facts):
        key = lookup(fact.name, CPU_ONLY)
        if key and key not in seen:
            seen.add(key)
            yield fact.place, f"imports {key}: {CPU_ONLY[key]}", _WEIGHTS.get(key, -0.8), Signal.SPEAKS_FOR_CPU


RULE = Rule(
    code="GA601",
    name="cpu-library",
    summary="The function computes with a library that works on the CPU.",
    rationale="scikit-learn, boosted trees and data frames never touch a GPU unless told to. Where they are "
    "all the computing there is, the "
    "function is `cpu`.",
    check=_check,
    matches=("from sklearn.linear_model import LogisticRegression", "import onnxruntime as ort"),
    passes=("import torch",),
)
