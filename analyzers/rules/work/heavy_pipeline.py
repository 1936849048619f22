"""GA502: kinds of models that are never small, whatever their name."""

import re

from analyzers.facts.model import Facts
from analyzers.findings import Signal
from analyzers.rules.rule import Hit, Hits, Rule

_KINDS: tuple[tuple[str, str, str], ...] = (
    (
        r"^diffusers\..*(Pipeline\w*|DiffusionPipeline|AutoPipeline\w*)\.(from_pretrained|from_single_file)$",
        "diffusion pipeline",
        "a diffusion pipeline",
    ),
    (
        r"^diffusers\..*(UNet|Transformer|ControlNet|Autoencoder)\w*\.from_pretrained$",
        "diffusion model",
        "a diffusion model",
    ),
    (
        r"^transformers\.\w+(ForCausalLM|ForConditionalGeneration|ForVision2Seq|ForImageTextToText)\.from_pretrained$",
        "generator",
        "a generating model",
    ),
    (r"^transformers\.\w*EncoderDecoderModel\.from_pretrained$", "encoder and decoder", "a generating model"),
    (
        r"^(audiocraft\.|.*MusicGen|.*AudioGen).*(get_pretrained|from_pretrained)$",
        "audio",
        "a model that generates audio",
    ),
    (r"^(segment_anything\..*|.*sam_model_registry.*)$", "segmentation", "a segmentation model"),
    (r"^basicsr\..*|^realesrgan\.\w+|^gfpgan\.\w+", "restoration", "a model that restores pictures"),
)


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        if call.name.endswith("()") or "()." in call.name:
            continue
        for pattern, weight, kind in _KINDS:
            if re.match(pattern, call.name):
                yield Hit(call.place, f"loads {kind}: {call.name.partition('.')[2]}", weight)
                break


RULE = Rule(
    code="GA502",
    name="heavy-pipeline",
    summary="A model of a kind that is never small is loaded.",
    rationale="The smallest diffusion model takes about a minute for a picture on a CPU and two seconds on a GPU. The "
    "kind shows this even where the model's name cannot be followed.",
    remedy="Use a distilled or quantised model where its answers are good enough.",
    confidence=0.8,
    signal=Signal.WORK,
    check=_check,
    weights={
        "diffusion pipeline": 3.5,
        "diffusion model": 2.0,
        "generator": 1.5,
        "encoder and decoder": 1.0,
        "audio": 3.0,
        "segmentation": 1.5,
        "restoration": 1.0,
    },
    words="audiocraft diffus from_pretrained gfpgan sam_model",
    matches=(
        "from diffusers import StableDiffusionPipeline\np = StableDiffusionPipeline.from_pretrained(path)",
        "from transformers import AutoModelForCausalLM\nm = AutoModelForCausalLM.from_pretrained(path)",
        "from transformers import VisionEncoderDecoderModel\nm = VisionEncoderDecoderModel.from_pretrained(path)",
    ),
    passes=("from transformers import AutoTokenizer\nt = AutoTokenizer.from_pretrained('x')", "class Pipeline: pass"),
)
