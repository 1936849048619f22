"""GA213: a library is asked for a GPU by name, also one that no table knows."""

from collections.abc import Iterator

from analyzers.facts.model import Call, Facts, Guard, Known, OneOf, Value, options, texts
from analyzers.facts.vocabulary import AVAILABILITY
from analyzers.findings import Signal, Trait
from analyzers.lean.patterns import Pattern
from analyzers.lean.tables import words
from analyzers.rules.knowledge.device_words import TABLES
from analyzers.rules.knowledge.devices import placement
from analyzers.rules.knowledge.libraries import FRAMEWORKS, GPU_ONLY, lookup, outside
from analyzers.rules.rule import Hit, Hits, Rule

_WORD = Pattern(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_GPU = frozenset({"cuda", "gpu", "gpus", "nvidia"})
_ASKS = words("is has get count available availability info name names list num memory no not without free empty query")
"""Words with which a name only asks about GPUs, or speaks of having none."""
_PREFERS = words("prefer try auto maybe if optional")
_SPELLED = Pattern(r"[\w.:-]{2,40}")
_CHOICES = words(
    "device devices backend target variant platform provider engine accelerator arch runtime executor processor "
    "context hardware mode init initialize simulator"
)
"""Words in the name of what is called, or of an argument, where a text chooses what computes."""
_CALLS, _VALUES = TABLES["CALLS"], TABLES["VALUES"]
_ELSEWHERE = ("torch", "tensorflow", "jax", "numba", "modal", "beam", "logging", "os", "subprocess", "builtins", "re")
"""Packages whose ways to say it have rules of their own, or that take texts about anything."""


def _check(facts: Facts) -> Hits:
    packages = {fact.package for fact in outside(facts)} - set(_ELSEWHERE)
    for call in facts.calls():
        if call.is_own or call.is_decorator or call.package not in packages or call.name in AVAILABILITY:
            continue
        if placement(call) is not None:
            continue
        plain = call.name.replace("()", "")
        own = call.method if "()." in call.name else call.name  # what has made the object is a call, and has its guard
        if own == call.name and (key := lookup(plain, _CALLS)):
            yield _known(call, _CALLS[key])
        elif (key := lookup(plain, _VALUES)) and _has(call, _VALUES[key]):
            yield _known(call, "prefers")
        elif _is_about_gpus(own) or any(map(_names_a_gpu, _choices(call))):
            yield _unknown(call)


def _has(call: Call, choice: str) -> bool:
    """Return whether an argument has a value: `model=cnn`, `0=*_trf` for a text at the first position that ends so."""
    where, _, wanted = choice.partition("=")
    value = call.argument(int(where)) if where.isdigit() else call.keyword(where)
    given = texts(value) if value is not None else ()
    return any(text.endswith(wanted[1:]) if wanted.startswith("*") else text == wanted for text in given)


def _known(call: Call, kind: str) -> Hit:
    name = call.name.removesuffix("()")
    if kind == "prefers" or call.guard in (Guard.WITH_GPU, Guard.SETTING):
        return Hit(call.place, f"{name}() uses a GPU where there is one", "chosen")
    return Hit(call.place, f"{name}() works on a GPU and on nothing else", "needed", Signal.NEEDS_GPU)


def _unknown(call: Call) -> Hit:
    name = call.name.removesuffix("()")
    if call.guard in (Guard.WITH_GPU, Guard.SETTING) or set(_words(call.method)) & _PREFERS:
        return Hit(call.place, f"{name}() uses a GPU where there is one", "chosen")
    if call.method.lower() == "device":
        return Hit(call.place, f"{name}() asks for a GPU", "needed", Signal.NEEDS_GPU)
    trait = Trait.PLAIN if lookup(call.name, FRAMEWORKS) else Trait.UNKNOWN
    return Hit(call.place, f"{name}() asks for a GPU, of a library that Gaia does not know", "unknown", trait=trait)


def _is_about_gpus(name: str) -> bool:
    """Return whether a name says that it is about GPUs, and not only whether there are any."""
    said = set(_words(name))
    return bool(said & _GPU) and not said & _ASKS and not lookup(name, GPU_ONLY)


def _words(name: str) -> Iterator[str]:
    return (part.lower() for part in _WORD.findall(name))


def _choices(call: Call) -> Iterator[Value]:
    """Yield what chooses between processors in a call: by the name of an argument, or by what is called."""
    yield from (argument.value for name, argument in call.keywords if set(_words(name)) & _CHOICES)
    if set(_words(call.method)) & _CHOICES:
        yield from (argument.value for argument in call.args[:1])


def _names_a_gpu(value: Value) -> bool:
    """Return whether a text, whatever the machine has, names a GPU: `CUDA:0`, `lightning.gpu`, `cuda_ad_rgb`."""
    texts = [one.value for one in options(value) if isinstance(one, Known) and isinstance(one.value, str)]
    named = [bool(_SPELLED.fullmatch(text)) and bool(set(_words(text)) & _GPU) for text in texts]
    return any(named) and (all(named) or not isinstance(value, OneOf))


RULE = Rule(
    code="GA213",
    name="named-gpu",
    summary="A library is asked for a GPU by name.",
    rationale="cv2.cuda, a device called CUDA:0 or lightning.gpu, an engine called gpu: where a library is unknown to "
    "Gaia, the name is all that is known, and enough to rule out that a GPU would change nothing. How much is computed "
    "stays open, so the confidence is low.",
    remedy="Ask the library whether there is a GPU before it is told to use one.",
    confidence=0.8,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    weights={"needed": 4.0, "unknown": 2.0, "chosen": 0.7},
    words="cuda gpu nvidia CUDA GPU Cuda Gpu cugraph _trf cnn accelerat AUTO ffmpegcv",
    matches=(
        'import unheard_of\ncard = unheard_of.device("lightning.gpu", wires=26)',
        "import cv2\nimage = cv2.cuda_GpuMat()",
        "import caffe\ncaffe.set_mode_gpu()",
        "import faiss\nresources = faiss.StandardGpuResources()",
        "import spacy\nspacy.prefer_gpu()",
        "import unheard_of\nunheard_of.run_on_gpu(3)",
        'import face_recognition\nfound = face_recognition.face_locations(picture, model="cnn")',
        'import spacy\nnlp = spacy.load("en_core_web_trf")',
    ),
    passes=(
        'import face_recognition\nfound = face_recognition.face_locations(picture, model="hog")',
        "import cv2\nn = cv2.cuda.getCudaEnabledDeviceCount()",
        "import unheard_of\nunheard_of.is_gpu_available()",
        'import requests\nrequests.get("https://example.org/gpu")',
        'import unheard_of\nunheard_of.log("a gpu was found")',
        'import unheard_of\nunheard_of.place(engine="cpu")',
    ),
)
