"""How many parameters a model has, told from its name.

First the number that most names carry ("7B", "560m"), then the family. Figures are those that the models'
authors publish, in millions of parameters; a family that comes in many sizes stands with the smallest common
one.
"""

import re
from functools import cache

from analyzers.lean.patterns import AnyOf, Pattern
from analyzers.lean.tables import numbers

_NUMBER = Pattern(r"(?<![a-z0-9.])(\d{1,3}x)?(\d{1,4}(?:[._]\d{1,3})?)\s?(b|m)(?![a-z0-9])", re.IGNORECASE)
_SUFFIX = Pattern(r"\.(pt|pth|bin|ckpt|gguf|onnx|safetensors)$", re.IGNORECASE)
_BITS = Pattern(r"\b\d+(\.\d+)?-?bit\b", re.IGNORECASE)

_FAMILIES: tuple[tuple[float, str], ...] = (
    (
        80,
        r"""
        kokoro (^|[/_-])piper mms-tts speecht5 silero melo-?tts rmbg-?1 embeddinggemma u2-?net smoldocling
        granite-(embedding|docling)
        """,
    ),
    (
        1000,
        r"""
        stable[-_]?diffusion (^|[/_-])(sdxl?|sd)([-_]?\d|[-_]turbo|[-_]) dreamshaper latent-consistency lcm-
        kandinsky deepfloyd pixart playground-v2 realvis juggernaut openjourney kolors (^|[/_-])sana[_-] auraflow
        realistic-vision deliberate
        """,
    ),
    (
        5000,
        r"""
        flux[.\-_]?[12] flux-?(dev|schnell) hunyuan wan-?(ai|video|2) hidream omnigen qwen-image sd3(?![0-9])
        cogvideo mochi ltx-?(video|2) animatediff zeroscope black-forest-labs (^|[/_-])flux[/_.-] stable-cascade
        open-?sora skyreels framepack ace-?step (^|[/_-])yue- diffrhythm seedvr evo-?[12](?![0-9])
        svd-?xt modelscope text-to-video
        """,
    ),
    (
        1000,
        r"""
        esmfold trellis controlnet instruct-pix2pix riffusion stable-?audio musicgen audioldm audiogen bark(?!ley)
        tortoise parler xtts (^|[/_-])dia- segmind photomaker instant-?id ip-?adapter pulid idm-?vton ootdiffusion
        catvton (^|/)leffa supir diffbir triposr triposg instantmesh zero-?123 hunyuan3d stable-fast-3d shap-e
        alphafold openfold rosettafold rfdiffusion (^|/)boltz (^|/)chai- latentsync musetalk echomimic hallo[2-]
        audiosr
        """,
    ),
    (
        3000,
        r"""
        llama-?[234] llama2 codellama vicuna alpaca mistral mixtral zephyr falcon mpt- qwen gemma phi-?[234]
        deepseek yi- command-r starcoder wizard dolly stablelm internlm baichuan chatglm openhermes nous
        granite nemotron gpt-oss internvl rwkv jamba glm-?[45] kimi smaug pixtral
        llava idefics cogvlm moondream minicpm ministral olmo magistral devstral codestral openchat exaone
        (^|/)solar- redpajama guanaco airoboros mythomax pygmalion nexusraven persimmon fuyu cogagent molmo ovis
        sqlcoder meditron orpheus codegen2 xgen madlad
        """,
    ),
    (3000, r"gpt-?(j|neox) opt-(?!125|350) bloom(?!z?-560) flan-?t5-?(xl|xxl) t5-?(11b|3b|xl) t0 ul2 gpt2-xl"),
    (
        800,
        r"""
        whisper[-_]?(large|medium|turbo) ^large(-v[123])?(-turbo)?$ ^medium(\.en)?$ ^turbo$ distil-large canary
        parakeet seamless voxtral (^|[/_-])tts([/_-]|$) chatterbox fish-?speech cosyvoice spark-?tts zonos vibevoice
        openvoice sovits styletts voxcpm
        wav2vec2-?(large|xls)
        """,
    ),
    (
        600,
        r"""
        blip-?2 instructblip sam-?vit sam_vit segment-anything sam2 dinov2-?(large|giant)
        clip-vit-(l|h|g|bigg) vit-?[lhg](-|/|$) florence trocr-large sam-?2 (^|[/_-])sam-?3? birefnet rmbg-?2
        depth-?pro got-ocr sadtalker liveportrait grounding-?dino-?base
        """,
    ),
    (60, r"gfpgan real-?esrgan codeformer swinir restorer"),
    (
        400,
        r"""
        bart-?large roberta-?large bert-?large xlm-roberta-large t5-large deberta(-v3)?-large bge-(large|m3)
        e5-large gte-large mpnet-large pegasus dpt-large depth-anything.*(large|vitl) nougat
        """,
    ),
    (244, r"whisper[-_]?small ^small(\.en)?$"),
    (500, r"gpt2-?(medium|large)"),
    (
        100,
        r"""
        bart pegasus t5-?base nllb m2m opus-mt marian bert mpnet minilm electra deberta e5 gte bge layoutlm
        donut vit-?base clip wav2vec2 gpt2 detr yolo resnet mobilenet efficientnet squeezenet
        whisper[-_]?(tiny|base) ^(tiny|base)(\.en)?$ sentence-transformers t5-?small
        """,
    ),
)
"""Millions of parameters, and the patterns of names in the family; the first family that matches counts."""


@cache
def _families() -> tuple[tuple[AnyOf, float], ...]:
    """Made at the first use: most functions name no model."""
    return tuple((AnyOf(patterns), size) for size, patterns in _FAMILIES)


def parameters(name: str) -> float | None:
    """The millions of parameters of the model called `name`, None when the name does not tell."""
    plain = _BITS.sub("", _SUFFIX.sub("", name))
    match = _NUMBER.search(plain)
    if match:
        count = float(match[2].replace("_", ".")) * (1000 if match[3].lower() == "b" else 1)
        return count * (int(match[1][:-1]) if match[1] else 1)
    return next((size for names, size in _families() if names.found_in(plain)), None)


ARCHITECTURES = numbers(
    """
    alexnet=61 convnext_base=89 convnext_large=198 densenet121=8 densenet161=29 densenet201=20
    efficientnet_b0=5.3 efficientnet_b7=66 fasterrcnn_resnet50_fpn=42 googlenet=6.6 inception_v3=27
    maskrcnn_resnet50_fpn=44 mobilenet_v2=3.5 mobilenet_v3_large=5.5 mobilenet_v3_small=2.5 regnet_y_128gf=645
    resnet101=45 resnet152=60 resnet18=11.7 resnet34=21.8 resnet50=25.6 resnext101_32x8d=89
    shufflenet_v2_x1_0=2.3 squeezenet1_0=1.2 squeezenet1_1=1.2 swin_b=88 vgg11=133 vgg16=138 vgg19=144
    vit_b_16=87 vit_b_32=88 vit_h_14=632 vit_l_16=304 vit_l_32=306 wide_resnet50_2=69
    """
)
"""Millions of parameters of torchvision's and Keras's ready-made architectures, by lower-case name."""

KERAS_ARCHITECTURES = numbers(
    """
    efficientnetb0=5.3 efficientnetb7=66 inceptionv3=24 mobilenet=4.3 mobilenetv2=3.5 nasnetmobile=5.3
    resnet50=25.6 resnet152=60 vgg16=138 vgg19=144 xception=23
    """
)
