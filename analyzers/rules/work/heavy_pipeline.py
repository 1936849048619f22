"""GA502: kinds of models that are never small, whatever their name."""

import re

from analyzers.facts.model import Facts
from analyzers.findings import Signal
from analyzers.rules.rule import Hit, Hits, Rule

KINDS = (
    (3.5, "a diffusion pipeline", r"diffusers\..*Pipeline\w{0,60}\.from_(pretrained|single_file)$"),
    (2.0, "a diffusion model", r"diffusers\..*(UNet|Transformer|ControlNet|Autoencoder)\w{0,60}\.from_pretrained$"),
    (1.5, "a generating model", r"transformers\.\w+For(CausalLM|ConditionalGeneration)\.from_pretrained$"),
    (1.5, "a generating model", r"transformers\.\w+For(Vision2Seq|ImageTextToText)\.from_pretrained$"),
    (1.0, "a generating model", r"transformers\.\w*EncoderDecoderModel\.from_pretrained$"),
    (3.0, "a model that generates audio", r"(audiocraft\.|.*(MusicGen|AudioGen)).{0,60}(get|from)_pretrained$"),
    (1.5, "a segmentation model", r"segment_anything\.|.*sam_model_registry"),
    (1.0, "a model that restores pictures", r"basicsr\.|realesrgan\.\w|gfpgan\.\w"),
)
"""What a kind weighs, its name, and how the calls that load it begin or read."""


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        if call.name.endswith("()") or "()." in call.name:
            continue
        for weight, kind, pattern in KINDS:
            if re.match(pattern, call.name):
                yield Hit(call.place, f"loads {kind}: {call.name.partition('.')[2]}", weight)
                break


RULE = Rule(
    code="GA502",
    name="heavy-pipeline",
    summary="The function loads a model of a kind that is never small.",
    rationale="The smallest diffusion model takes about a minute for a picture on a CPU and two seconds on a GPU. The "
    "kind shows this even where the model's name cannot be followed.",
    remedy="Use a distilled or quantised model where its answers are good enough.",
    confidence=0.8,
    signal=Signal.WORK,
    check=_check,
    words="audiocraft diffus from_pretrained gfpgan sam_model",
    matches=(
        "from diffusers import StableDiffusionPipeline\np = StableDiffusionPipeline.from_pretrained(path)",
        "from transformers import AutoModelForCausalLM\nm = AutoModelForCausalLM.from_pretrained(path)",
        "from transformers import VisionEncoderDecoderModel\nm = VisionEncoderDecoderModel.from_pretrained(path)",
    ),
    passes=("from transformers import AutoTokenizer\nt = AutoTokenizer.from_pretrained('x')", "class Pipeline: pass"),
)
