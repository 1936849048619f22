"""GA501: models, by the number of parameters that their name shows."""

import re

from analyzers.calibration import LIGHTEST_MODEL, model_weight
from analyzers.facts.model import Facts
from analyzers.findings import Signal, Trait
from analyzers.lean.patterns import Pattern
from analyzers.rules.knowledge.named_models import Model, models, shown_count
from analyzers.rules.rule import Hit, Hits, Rule

_DENSE = Pattern(
    r"whisper|yolo|r-?cnn|retinanet|deeplab|fcn_resnet|rmbg|birefnet|depth-?anything|midas|mask2former|maskformer|segformer"
    r"|matting|openpose|vitpose|grounding-?dino|owl-?v|rt-?detr",
    re.IGNORECASE,
)
"""Networks that answer for each place of a picture, or word for word: more work than their parameters say."""

_LARGE_PICTURES = Pattern(r"(^|[/_-])sam2?[._-]|birefnet|rmbg-?2", re.IGNORECASE)
_TIMES_AS_MANY = 20
"""Networks for pictures of 1024 x 1024, in which each parameter works twenty times as often as at 224 x 224."""


def _check(facts: Facts) -> Hits:
    found = [(model, _weight(model)) for model in models(facts)]
    outweighed = any(weight > LIGHTEST_MODEL for _, weight in found)
    for model, weight in found:
        if weight > LIGHTEST_MODEL or not outweighed:  # beside a larger model, a small one says nothing
            yield Hit(model.place, _message(model), weight, trait=Trait.MODEL_SIZE)


def _message(model: Model) -> str:
    count = shown_count(model.millions)
    if model.known:
        return f"{model.name} is a model of about {count} parameters"
    return f"{model.name} is of a family of models from about {count} parameters up"


def _weight(model: Model) -> float:
    """Return what a model weighs; that of a family stands for all sizes on pictures of any kind already."""
    large = model.known and _LARGE_PICTURES.search(model.name) is not None
    weight = model_weight(model.millions * (_TIMES_AS_MANY if large else 1))
    return max(weight, 0.0) if large or _DENSE.search(model.name) else weight


RULE = Rule(
    code="GA501",
    name="model-scale",
    summary="The function loads a model whose name shows its size.",
    rationale="The number of parameters is the work for each token or patch. Below 150 million a CPU answers in a "
    "fraction of a second; above a billion it takes seconds to minutes. Names in a program that only calls a remote "
    "service do not count.",
    remedy="Use a smaller or distilled model where its answers are good enough.",
    confidence=0.8,
    signal=Signal.WORK,
    check=_check,
    words="from_pretrained gpt hugging model openai pipeline torch",
    matches=(
        (
            "from transformers import pipeline\n"
            'pipe = pipeline("text-generation", model="TinyLlama/TinyLlama-1.1B-Chat-v1.0")'
        ),
        (
            "from diffusers import StableDiffusionPipeline\n"
            'MODEL_ID = "stabilityai/stable-diffusion-2-1"\n'
            "p = StableDiffusionPipeline.from_pretrained(MODEL_ID)"
        ),
        (
            "from transformers import AutoModelForCausalLM, AutoTokenizer\nMODEL = 'meta-llama/Llama-2-70b-hf'\n"
            "t = AutoTokenizer.from_pretrained(MODEL)\nm = AutoModelForCausalLM.from_pretrained(MODEL)"
        ),
        (
            "from transformers import AutoConfig, AutoModelForCausalLM\n"
            'c = AutoConfig.from_pretrained("meta-llama/Llama-2-70b-hf")\nm = AutoModelForCausalLM.from_config(c)'
        ),
        "from torchvision import models\nm = models.resnet18(pretrained=True)",
    ),
    passes=(
        'from transformers import AutoTokenizer\nt = AutoTokenizer.from_pretrained("meta-llama/Llama-2-70b-hf")',
        'from transformers import AutoConfig\nMODEL = "meta-llama/Llama-2-70b"\nc = AutoConfig.from_pretrained(MODEL)',
        'import torch, ollama\nMODEL = "llama3:8b"\nollama.chat(model=MODEL, messages=[])',
        'import torch\ndef ask(client):\n    return client.create(model="groq/llama-3.3-70b-versatile", messages=[])',
        'import openai\nclient = openai.OpenAI()\nclient.chat.completions.create(model="llama-3-70b")',
        'from transformers import pipeline\npipe = pipeline("text-generation", model="./weights")',
    ),
)
