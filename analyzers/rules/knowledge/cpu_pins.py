"""Where code says that it computes on the CPU, and what would take a GPU without being told.

A pin counts only as a whole: one model on the CPU says nothing of another one that its library places by itself, or of
a device that nobody knows.
"""

from collections.abc import Iterator

from analyzers.facts.model import Call, Facts, Guard, Known, Value, is_unknown, strings
from analyzers.facts.vocabulary import DEVICE_KEYWORDS
from analyzers.lean.tables import words
from analyzers.rules.knowledge.devices import MOVES, placements

_CPU_FIRST = words(
    "torch.device torch.set_default_device tensorflow.device jax.devices jax.local_devices mxnet.Context "
    "paddle.set_device paddle.device.set_device"
)
_DEVICES = frozenset({*DEVICE_KEYWORDS, "accelerator", "device_map"} - {"map_location"})
_PROVIDERS = frozenset({"providers", "provider"})
_OFF = frozenset({"gpu", "use_gpu", "use_cuda", "cuda"})
_COUNTS = frozenset({"n_gpu_layers", "gpu_layers"})
_ON = frozenset({"cpu", "no_cuda", "use_cpu", "force_cpu"})
_TELLING = _DEVICES | _PROVIDERS | _OFF | _COUNTS | _ON
"""The arguments whose values are looked at: a value is worked out only when it is asked for."""
_PLACES_ITSELF = words(
    "transformers.pipeline sentence_transformers.SentenceTransformer sentence_transformers.CrossEncoder "
    "whisper.load_model whisperx.load_model faster_whisper.WhisperModel easyocr.Reader paddleocr.PaddleOCR "
    "ultralytics.YOLO().predict ultralytics.YOLO().track ultralytics.YOLO().val ultralytics.YOLO().train "
    "ultralytics.YOLO()() ultralytics.SAM()() TTS.api.TTS flair.models.SequenceTagger.load "
    "insightface.app.FaceAnalysis vllm.LLM llama_cpp.Llama gliner.GLiNER.from_pretrained ctranslate2.Translator "
    "ctranslate2.Generator "
    "demucs.api.Separator kokoro.KPipeline docling.document_converter.DocumentConverter keybert.KeyBERT "
    "bertopic.BERTopic detoxify.Detoxify lightning.Trainer pytorch_lightning.Trainer lightning.Fabric "
    "accelerate.Accelerator faiss.index_cpu_to_all_gpus"
)
"""Calls that take a GPU where there is one, unless they are told not to; from the libraries' documentation."""
_ALWAYS_PLACED = ("tensorflow", "keras", "jax", "flax", "paddle", "mxnet", "tinygrad", "cupy")
"""Libraries all of whose work goes to a GPU where there is one."""


def pins(facts: Facts) -> Iterator[Call]:
    """Yield the calls that ask for the CPU, whatever the machine has."""
    return (call for call in facts.calls() if call.guard is Guard.ALWAYS and is_pinned(call))


def is_pinned(call: Call) -> bool:
    """Return whether a call asks for the CPU and nothing else."""
    if call.args and (call.name in _CPU_FIRST or call.method in MOVES) and _is_cpu(call.args[0].value, call):
        return True
    return any(_pins(name, argument.value, call) for name, argument in call.keywords if name in _TELLING)


def _pins(name: str, value: Value, call: Call) -> bool:
    """Return whether an argument of one of the names that tell asks for the CPU."""
    if name in _DEVICES:
        return _is_cpu(value, call)
    if name in _PROVIDERS:
        return set(strings(value)) == {"CPUExecutionProvider"}
    stated = value.value if isinstance(value, Known) else None  # a number of processors is no truth value
    return (name in _OFF and stated is False) or (name in _COUNTS and stated == 0) or (name in _ON and stated is True)


def is_free(facts: Facts) -> bool:
    """Return whether something may compute on a GPU: what is placed there, or takes one, or where nobody knows."""
    if any(True for _ in placements(facts)):
        return True
    if any(fact.package in _ALWAYS_PLACED for fact in facts.imports()):
        return True
    return any(_takes_one(call) or _is_unknown_device(call) for call in facts.calls())


def _takes_one(call: Call) -> bool:
    return call.name in _PLACES_ITSELF and not is_pinned(call)


def _is_unknown_device(call: Call) -> bool:
    """Return whether a call names a device that the code does not tell."""
    moved = [call.args[0].value] if call.method in MOVES and call.args else []
    named = [argument.value for name, argument in call.keywords if name in ("device", "torch_device", "accelerator")]
    return any(is_unknown(value) for value in (*moved, *named))


def _is_cpu(value: Value, call: Call) -> bool:
    """Return whether a device is the CPU; to transformers that is -1, too."""
    if value == Known(-1):
        return call.name.startswith("transformers.")
    return isinstance(value, Known) and isinstance(value.value, str) and _names_the_cpu(value.value.lower())


def _names_the_cpu(text: str) -> bool:
    return text.replace("{", ":").removeprefix("/").removeprefix("device:").partition(":")[0] == "cpu"
