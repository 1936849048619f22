"""GA502: kinds of models that are never small, whatever their name."""

import re

from analyzers.facts.model import Facts
from analyzers.rules.model import Found, Rule, Signal

_KINDS: tuple[tuple[str, float, str], ...] = (
    (
        r"^diffusers\..*(Pipeline\w*|DiffusionPipeline|AutoPipeline\w*)\.(from_pretrained|from_single_file)$",
        3.5,
        "a diffusion pipeline",
    ),
    (r"^diffusers\..*(UNet|Transformer|ControlNet|Autoencoder)\w*\.from_pretrained$", 2.0, "a diffusion model"),
    (
        r"^transformers\.\w+(ForCausalLM|ForConditionalGeneration|ForVision2Seq|ForImageTextToText)\.from_pretrained$",
        1.5,
        "a generating model",
    ),
    (r"^transformers\.\w*EncoderDecoderModel\.from_pretrained$", 1.0, "a generating model"),
    (r"^(audiocraft\.|.*MusicGen|.*AudioGen).*(get_pretrained|from_pretrained)$", 3.0, "a model that generates audio"),
    (r"^(segment_anything\..*|.*sam_model_registry.*)$", 1.5, "a segmentation model"),
    (r"^basicsr\..*|^realesrgan\.\w+|^gfpgan\.\w+", 1.0, "a model that restores pictures"),
)


def _check(facts: Facts) -> Found:
    for call in facts.calls():
        if call.name.endswith("()") or "()." in call.name:
            continue
        for pattern, weight, kind in _KINDS:
            if re.match(pattern, call.name):
                yield call.place, f"loads {kind}: {call.name.partition('.')[2]}", weight, Signal.WORK
                break


RULE = Rule(
    code="GA502",
    name="heavy-pipeline",
    summary="A model of a kind that is never small is loaded.",
    rationale="The smallest diffusion model takes about a minute for a picture on a CPU and two seconds on a "
    "GPU; the kind tells even where "
    "the model's name cannot be followed.",
    check=_check,
    matches=(
        "from diffusers import StableDiffusionPipeline\np = StableDiffusionPipeline.from_pretrained(path)",
        "from transformers import AutoModelForCausalLM\nm = AutoModelForCausalLM.from_pretrained(path)",
        "from transformers import VisionEncoderDecoderModel\nm = VisionEncoderDecoderModel.from_pretrained(path)",
    ),
    passes=("from transformers import AutoTokenizer\nt = AutoTokenizer.from_pretrained('x')", "class Pipeline: pass"),
)
