"""Calls that several rules ask for: what loads a model, runs one, multiplies matrices or starts a program."""

from analyzers.facts.model import Call, Facts
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
MATRIX_MODULES = ("torch", "numpy", "cupy", "jax.numpy", "tensorflow", "operator.matmul", "scipy.linalg")
_RUNNERS = ("subprocess.", "os.system", "os.popen", "os.exec", "os.spawn", "asyncio.create_subprocess")


def is_part(name: str) -> bool:
    """Return whether `name` is that of something beside a model: its tokenizer, its configuration."""
    return _PARTS.search(name) is not None


def loaded(call: Call) -> str:
    """Return the name of a call that loads a model, empty for another."""
    return call.name if _loads(call.name) else ""


def _loads(name: str) -> bool:
    pretrained = name.endswith(".from_pretrained") and name.startswith(_PRETRAINED)
    return name in _LOADERS or (pretrained and not is_part(name))


def is_network_call(call: Call, modules: frozenset[str]) -> bool:
    """Return whether a PyTorch network is called directly, as in `model(x)`: nothing then switches gradients off."""
    name = call.name
    if not name.endswith("()"):
        return False
    if name.removesuffix("()") in modules or _NETWORK.search(name):
        return True
    return name.startswith(_NETWORK_LOADERS) and name.count("()") == 1


def is_model_call(call: Call, modules: frozenset[str], *, methods: frozenset[str]) -> bool:
    """Return whether a model, a pipeline or one of these methods of theirs computes."""
    if is_network_call(call, modules):
        return True
    owner, _, method = call.name.rpartition("().")
    if method in methods and owner:
        return _loads(owner)
    return call.name.startswith(_PIPELINES) and call.name.endswith("()") and not is_part(call.name)


def is_product(call: Call) -> bool:
    """Return whether `call` multiplies two matrices."""
    return call.name.startswith(MATRIX_MODULES) and call.method in ("matmul", "dot", "mm")


def starts_program(call: Call) -> bool:
    """Return whether `call` starts another program."""
    return call.name.startswith(_RUNNERS)


def starts_programs(facts: Facts) -> bool:
    """Return whether the function starts other programs at all."""
    return any(starts_program(call) for call in facts.calls())
