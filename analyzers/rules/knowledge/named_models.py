"""The models that a function names, and how many parameters each has: what rules and predictions ask."""

import re
from collections.abc import Iterator

from analyzers.facts.model import Call, Facts, FileFacts, texts
from analyzers.findings import Place
from analyzers.lean.patterns import Pattern
from analyzers.lean.records import record
from analyzers.lean.tables import words
from analyzers.rules.knowledge.calls import is_part, starts_programs
from analyzers.rules.knowledge.libraries import CPU_ONLY, FRAMEWORKS, GPU_ONLY, REMOTE, lookup, outside
from analyzers.rules.knowledge.model_sizes import parameters, sizes

_LOADERS = words(
    "from_pretrained pipeline load_model snapshot_download hf_hub_download from_single_file LLM SentenceTransformer "
    "WhisperModel from_pretrained_keras create_model load AsyncEngineArgs EngineArgs YOLO clone_repository"
)
_KEYWORDS = (
    "model",
    "model_id",
    "model_name",
    "repo_id",
    "pretrained_model_name_or_path",
    "model_path",
    "model_name_or_path",
)
_PICTURES = Pattern(
    r"\bvit\b|resnet|detr|\bclip\b|convnext|\bswin|\bdeit|dinov|efficientnet|mobilenet|yolo", re.IGNORECASE
)
_HOSTED = Pattern(
    r"^(meta|groq|gemini|vertex_ai|azure|openrouter|bedrock|together_ai|fireworks_ai|accounts/fireworks|xai|perplexity"
    r"|ollama(_chat)?|huggingface|hosted_vllm|@cf)/|-(versatile|instant)$|:free$|-v\d:\d$",
    re.IGNORECASE,
)
"""Names under which vendors sell the answers of a model: it runs elsewhere."""
_TAGGED = Pattern(r"^[a-z][\w.-]*:(latest|mini|small|medium|large|\d+(\.\d+)?[bm])(-[\w.-]+)?$", re.IGNORECASE)
"""Names of an Ollama server, which runs here only where the function starts it."""
_FROM_PARTS = frozenset({"from_config", "init_empty_weights"})
_CONVERSATIONS = frozenset({"messages", "input_type"})
"""Keyword arguments of calls that ask a service for an answer; what loads a model here takes none of them."""
_TASKS = words(
    "text-generation text-classification sentiment-analysis fill-mask summarization translation "
    "automatic-speech-recognition"
)
_CONSTANT_WORDS = ("model", "repo", "checkpoint", "hf_", "weights")


@record
class Model:
    """A model that the function names: its place, its name, its parameters in millions, and what it looks at.

    `known` says that the number is this model's own, and not the least of its family; `words` are those parameters
    that are looked up.
    """

    place: Place
    name: str
    millions: float
    sees_pictures: bool
    known: bool = True
    words: float = 0.0

    @property
    def computing(self) -> float:
        """Millions of parameters that work for each token: all but the table of words."""
        return self.millions - self.words


def models(facts: Facts) -> Iterator[Model]:
    """Yield the models whose name shows their size, each once; none in a program that only calls a remote service."""
    if not any(
        lookup(fact.name, FRAMEWORKS) or lookup(fact.name, GPU_ONLY) or "huggingface_hub" in fact.name
        for fact in outside(facts)
    ):
        return
    seen = _of_parts_alone(facts)
    serves_itself = starts_programs(facts)
    for place, name in (*_loaded(facts), *_named(facts)):
        if _HOSTED.search(name) or (not serves_itself and _TAGGED.search(name)):
            continue
        size = parameters(name)
        if size is not None and name not in seen:
            seen.add(name)
            sees_pictures = bool(_PICTURES.search(name))
            yield Model(place, name, size.millions, sees_pictures, size.known, size.words)
    for call in facts.calls():
        built = _architecture(call)
        if built is not None and call.method not in seen:
            seen.add(call.method)
            yield Model(call.place, call.method, built, sees_pictures=True)


def shown_count(millions: float) -> str:
    """Return a number of parameters in words."""
    return f"{millions / 1000:.3g} billion" if millions >= 1000 else f"{millions:.3g} million"


def _of_parts_alone(facts: Facts) -> set[str]:
    """Return the models of which only a tokenizer, a processor or a configuration is loaded: these compute nothing.

    Another program may load the rest, and a model may be built from its configuration.
    """
    if starts_programs(facts) or any(call.method in _FROM_PARTS for call in facts.calls()):
        return set()
    given: dict[bool, set[str]] = {True: set(), False: set()}
    for call in facts.calls():
        given[is_part(call.name)] |= set(_given(call))
    return given[True] - given[False]


def _loaded(facts: Facts) -> Iterator[tuple[Place, str]]:
    """Yield what calls load, by name; a model's tokenizer has the same name and comes after all models."""
    for call in sorted(facts.calls(), key=lambda call: is_part(call.name)):
        yield from ((call.place, text) for text in _given(call))


def _given(call: Call) -> Iterator[str]:
    """Yield the names that a call which may load something is given."""
    if lookup(call.name.replace("()", ""), REMOTE) or any(name in _CONVERSATIONS for name, _ in call.keywords):
        return
    if call.method in _LOADERS or any(name in _KEYWORDS for name, _ in call.keywords):
        values = [argument.value for argument in call.args[:2]] + [call.keyword(name) for name in _KEYWORDS]
        for value in values:
            for text in texts(value) if value is not None else ():
                if 2 < len(text) < 120 and "\n" not in text and text not in _TASKS:
                    yield text


def _named(facts: Facts) -> Iterator[tuple[Place, str]]:
    clients = {file.path for file in facts.files if _only_calls_services(file)}
    for constant in facts.constants():
        if constant.place.path in clients:
            continue
        if any(word in constant.name.lower() for word in _CONSTANT_WORDS) and not constant.name.startswith("_"):
            for text in texts(constant.value):
                if 2 < len(text) < 120 and " " not in text and not text.startswith("http"):
                    yield constant.place, text


def _only_calls_services(file: FileFacts) -> bool:
    """Return whether a file imports a remote service and nothing that could run a model here."""
    names = [fact.name for fact in file.imports]
    return any(lookup(name, REMOTE) for name in names) and not any(
        lookup(name, FRAMEWORKS) or lookup(name, GPU_ONLY) or lookup(name, CPU_ONLY) for name in names
    )


def _architecture(call: Call) -> float | None:
    if call.name.startswith(("torchvision.models", "torchvision.")):
        return sizes()["ARCHITECTURES"].get(call.method.lower())
    if "applications" in call.name:
        return sizes()["KERAS_ARCHITECTURES"].get(call.method.lower())
    return None
