"""Calls that load a model, and calls of a model, as several of the 7xx rules ask for them."""

from analyzers.facts.model import Call
from analyzers.lean.patterns import Pattern
from analyzers.lean.tables import words

_LOADERS = words(
    "torch.load torch.jit.load torch.hub.load transformers.pipeline sentence_transformers.SentenceTransformer "
    "sentence_transformers.CrossEncoder whisper.load_model whisperx.load_model faster_whisper.WhisperModel "
    "tensorflow.keras.models.load_model tensorflow.saved_model.load keras.models.load_model joblib.load "
    "onnxruntime.InferenceSession spacy.load ultralytics.YOLO timm.create_model easyocr.Reader llama_cpp.Llama "
    "vllm.LLM"
)
_PRETRAINED = ("transformers.", "diffusers.", "peft.", "optimum.")
_PARTS = Pattern(r"Tokenizer|Processor|Config|FeatureExtractor|Scheduler|Streamer")
_NETWORK = Pattern(r"^(transformers|peft)\.(\w+\.)*(AutoModel\w*|\w+Model|\w+For[A-Z]\w+)\.from_pretrained\(\)$")
_NETWORK_LOADERS = ("torch.jit.load()", "torch.hub.load()", "timm.create_model()", "torchvision.models.")
_PIPELINES = ("transformers.pipeline()", "diffusers.")


LONG_METHODS = words("generate encode predict transcribe")
"""Methods of models and pipelines that compute."""


def is_part(name: str) -> bool:
    """Whether `name` is that of something beside a model: its tokenizer, its configuration."""
    return _PARTS.search(name) is not None


def loaded(call: Call) -> str:
    """What a call loads, in words for a message; empty when it loads no model."""
    if call.name in _LOADERS:
        return call.name
    if call.method == "from_pretrained" and call.name.startswith(_PRETRAINED) and not _PARTS.search(call.name):
        return call.name
    return ""


def is_network_call(call: Call, modules: frozenset[str]) -> bool:
    """Whether a PyTorch network is called directly, as in `model(x)`: nothing then switches gradients off."""
    name = call.name
    if not name.endswith("()"):
        return False
    if name.removesuffix("()") in modules or _NETWORK.search(name):
        return True
    return name.startswith(_NETWORK_LOADERS) and name.count("()") == 1


def is_model_call(call: Call, modules: frozenset[str], *, methods: frozenset[str]) -> bool:
    """Whether a model, a pipeline or one of these methods of theirs computes."""
    if is_network_call(call, modules):
        return True
    owner, _, method = call.name.rpartition("().")
    if method in methods and owner:
        return owner in _LOADERS or (
            owner.endswith("from_pretrained") and owner.startswith(_PRETRAINED) and not _PARTS.search(owner)
        )
    return call.name.startswith(_PIPELINES) and call.name.endswith("()") and not _PARTS.search(call.name)
