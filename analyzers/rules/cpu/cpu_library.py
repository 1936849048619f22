"""GA601: libraries that compute on the CPU."""

from analyzers.facts.model import Facts
from analyzers.findings import Signal
from analyzers.lean.tables import by_word
from analyzers.rules.knowledge.libraries import CPU_ONLY, used
from analyzers.rules.rule import Hit, Hits, Rule

_KINDS = by_word({"prepares data": "networkx nltk pandas polars", "small models": "dlib mediapipe sklearn spacy"})
"""Libraries that often prepare what a network then works on."""


def _check(facts: Facts) -> Hits:
    for key, fact in used(facts, CPU_ONLY):
        yield Hit(fact.place, f"imports {key}: {CPU_ONLY[key]}", _KINDS.get(key, "computes"))


RULE = Rule(
    code="GA601",
    name="cpu-library",
    summary="The function computes with a library that works on the CPU.",
    rationale="scikit-learn, boosted trees and data frames never touch a GPU unless asked to. Where they are all the "
    "computing there is, the function is `cpu`.",
    confidence=0.8,
    signal=Signal.SPEAKS_FOR_CPU,
    check=_check,
    weights={"computes": -0.8, "prepares data": -0.2, "small models": -0.3},
    matches=("from sklearn.linear_model import LogisticRegression", "import onnxruntime as ort"),
    passes=("import torch",),
)
