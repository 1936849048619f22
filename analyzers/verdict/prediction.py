"""How long a request takes on each backend, where the code shows how much it computes, and whether that meets an SLO.

Only what is certain enough is predicted: products of matrices of known size, and models whose name shows the number of
their parameters. A network reads each parameter once and does two operations with it for every token, but for its table
of words (Kaplan et al., "Scaling Laws for Neural Language Models", 2020, section 2.1) or, for a picture, about 300
(from the published operations of ResNet, VGG and ViT at 224 x 224). Text is generated token by token, each of which
reads all parameters.
"""

from collections.abc import Iterator

from analyzers.facts.model import Array, Call, Facts, Known, options
from analyzers.facts.values.operations import arrays, elements, shown_shape
from analyzers.findings import Place
from analyzers.lean.printable import printable
from analyzers.lean.records import record
from analyzers.rules.knowledge.calls import is_product
from analyzers.rules.knowledge.named_models import models
from analyzers.verdict.hardware import Hardware
from runtime_images.policy.model import ExecutionMode, Slo

_BYTES_PER_NUMBER = 4
_PROMPT_TOKENS, _ANSWER_TOKENS = 128, 128
_PICTURE_OPERATIONS = 300
_REPEATING = frozenset({"diffusers", "whisper", "faster_whisper", "whisperx", "TTS", "audiocraft"})
_MARGIN = 0.7
"""The share of the SLO that a prediction may fill: it knows nothing of queues and of the rest of the work."""


@record
class Work:
    """What one request computes: operations, bytes read, the operation in words, and its place."""

    flops: float
    read: float
    what: str
    place: Place


@record
class Prediction:
    """The seconds of a request on each backend, against the latency that the SLO asks for."""

    work: Work
    cpu_s: float
    gpu_s: float
    slo_s: float
    hardware: str

    @property
    def choice(self) -> ExecutionMode | None:
        """The CPU when it meets the SLO with a margin, the GPU when only that does, None when neither does."""
        if self.cpu_s <= _MARGIN * self.slo_s:
            return ExecutionMode.CPU_PREFERRED
        return ExecutionMode.GPU_PREFERRED if self.gpu_s <= self.slo_s else None

    @property
    def out_of_reach(self) -> str:
        """That neither backend can keep the SLO, with the times of both; empty where one of them can."""
        if min(self.cpu_s, self.gpu_s) <= self.slo_s:
            return ""
        return printable(
            f"neither can keep {_time(self.slo_s)}: CPU {_time(self.cpu_s)}, {self.hardware.upper()} "
            f"{_time(self.gpu_s)} for {self.work.what} ({self.work.place.shown})"
        )

    @property
    def tipping(self) -> str:
        """The strictest SLO that the CPU keeps."""
        return _time(self.cpu_s / _MARGIN)

    @property
    def reason(self) -> str:
        """Why, in words that follow "it runs on both, and"."""
        verb = "keeps" if self.choice is ExecutionMode.CPU_PREFERRED else "would miss"
        return printable(
            f"a CPU {verb} the SLO of {_time(self.slo_s)}: about {_time(self.cpu_s)} for {self.work.what}, "
            f"{_time(self.gpu_s)} on a GPU like the {self.hardware.upper()} ({self.work.place.shown})"
        )


def predict(facts: Facts, slo: Slo, profile: Hardware) -> Prediction | None:
    """Return the prediction for the largest work of a request, None when none is known or the SLO has no latency."""
    if slo.latency_p95_ms is None:
        return None
    known = [*_products(facts), *_networks(facts)]
    if not known:
        return None
    work = max(known, key=lambda work: profile.cpu.seconds(work.flops, work.read))
    cpu_s, gpu_s = (part.seconds(work.flops, work.read) for part in (profile.cpu, profile.gpu))
    return Prediction(work, cpu_s, gpu_s, slo.latency_p95_ms / 1000, profile.name)


def _products(facts: Facts) -> Iterator[Work]:
    for call in facts.calls():
        if not is_product(call):
            continue
        operands = [array for argument in call.args[:2] for array in list(arrays(argument.value))[:1]]
        work = _product(call, *operands) if len(operands) == 2 else None
        if work is not None:
            yield work


def _product(call: Call, left: Array, right: Array) -> Work | None:
    first, second, columns = elements(left), elements(right), right.shape[-1:]
    if first is None or second is None or not columns or not isinstance(columns[0], Known):
        return None
    shapes = f"{shown_shape(left)} and {shown_shape(right)}"
    flops = 2.0 * first * float(columns[0].value or 0)
    return Work(flops, _BYTES_PER_NUMBER * float(first + second), f"the product of {shapes}", call.place)


def _networks(facts: Facts) -> Iterator[Work]:
    """Yield the work of text and picture models; diffusion and speech repeat theirs in ways that no name shows."""
    if any(fact.package in _REPEATING for fact in facts.imports()):
        return
    generates = any(_generates(call) for call in facts.calls())
    answer = max((_tokens(call) for call in facts.calls()), default=0) or _ANSWER_TOKENS
    for model in (one for one in models(facts) if one.known):
        count = model.computing * 1e6
        read = _BYTES_PER_NUMBER * count
        if model.sees_pictures:
            yield Work(_PICTURE_OPERATIONS * count, read, f"a picture through {model.name}", model.place)
        elif generates:
            flops = 2 * count * (_PROMPT_TOKENS + answer)
            yield Work(flops, read * answer, f"{answer} tokens of {model.name}", model.place)
        else:
            yield Work(2 * count * _PROMPT_TOKENS, read, f"{_PROMPT_TOKENS} tokens through {model.name}", model.place)


def _generates(call: Call) -> bool:
    return call.method == "generate" or "ForCausalLM" in call.name or "ForConditionalGeneration" in call.name


def _tokens(call: Call) -> int:
    value = call.keyword("max_new_tokens", "max_tokens", "max_length")
    counts = [option.value for option in options(value) if isinstance(option, Known)] if value is not None else []
    return max((count for count in counts if isinstance(count, int) and not isinstance(count, bool)), default=0)


def _time(seconds: float) -> str:
    """Return seconds in words: 1234 s, 1.5 s, 83.3 ms."""
    if seconds >= 1000:
        return f"{seconds:.0f} s"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{max(seconds * 1000, 0.01):.3g} ms"
