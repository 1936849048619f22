"""GA211: GPU software that is started or installed by a command."""

import re

from analyzers.facts.model import Call, Facts, Guard, Items, Value, options, texts
from analyzers.findings import Signal
from analyzers.lean.patterns import Pattern
from analyzers.lean.tables import words
from analyzers.rules.knowledge.calls import starts_program
from analyzers.rules.rule import Hit, Hits, Rule

_COMMANDS = r"""
    \bvllm(\.entrypoints|\sserve) ^vllm$ \bsglang\.launch_server lmdeploy\sserve \bcomfy\s(launch|--skip-prompt)
    text-embeddings-inference:(?!cpu) text-generation-inference:
    --nvidia\b comfy[-_]?ui stable-diffusion-webui text-generation-webui --cuda\b -hwaccel\s+(cuda|nvdec) _nvenc\b
    \bboltz\spredict colabfold_batch run_alphafold \btorchrun\b accelerate\slaunch ^deepspeed\b \bnvcc\b
    \bwhisperx\s insanely-fast-whisper -ngl\s \bollama\s(serve|run|pull)\b text-generation-(launcher|inference)
    (^|[\s/])(demucs|audio-separator)(-separate)?(\s|$) \bfacefusion(\.py)?\b \binference_realesrgan
    \btritonserver\b \btrtllm- \bflash-attn\b \bnvidia-smi\b nvidia/cuda: nvcr\.io/
    -cuda[\d.]{0,20}\b.{0,40}-(devel|runtime) \bapt\S{0,20}\sinstall\s.{0,200}\bcuda\b /whl/cu\d{2,3} \bcu1[12]\d\b
    --gpus[\s=] --n-gpu-layers (-d|--device)[\s=]cuda
"""
_COMMAND = Pattern("|".join(_COMMANDS.split()), re.IGNORECASE)
"""What a command for GPUs looks like."""
_CLONERS = frozenset({"clone_from", "clone_repository", "clone"})
_BUILDERS = words(
    "Image add_commands apt_install dockerfile_commands env from_dockerfile from_registry micromamba_install "
    "pip_install run_commands uv_pip_install"
)
_KEYWORDS = words("base_image commands image extra_index_url index_url cmd cwd args extra_options find_links")


def _check(facts: Facts) -> Hits:
    for call in facts.calls():
        found = next((text for text in _commands(call) if _COMMAND.search(text)), "")
        if found and call.guard is Guard.ALWAYS:
            shown = found if len(found) <= 60 else found[:57] + "..."
            weight = "nvidia-smi" if "nvidia-smi" in found else "started"
            yield Hit(call.place, f"starts or installs software for GPUs: {shown}", weight)


def _commands(call: Call) -> list[str]:
    runs = starts_program(call) or call.method in _BUILDERS or call.method in _CLONERS
    values = [argument.value for argument in call.args] if runs else []
    values += [argument.value for name, argument in call.keywords if name in _KEYWORDS]
    return [text for value in values for text in _lines(value)]


def _lines(value: Value) -> list[str]:
    """Return the strings of a value; the words of a command list also as one line."""
    found = list(texts(value))
    for option in options(value):
        if isinstance(option, Items):
            parts = [text for item in option.values for text in texts(item)]
            found += [" ".join(parts), *parts]
    return found


RULE = Rule(
    code="GA211",
    name="gpu-command",
    summary="A command starts or installs software for GPUs.",
    rationale="The work may be done by another program, such as a model server, or by an image that the code defines; "
    "then no import shows it.",
    remedy='Start it only where there is a GPU: `if os.environ.get("GAIA_BACKEND") == "gpu":`.',
    confidence=0.8,
    signal=Signal.CAN_USE_GPU,
    check=_check,
    weights={"started": 2.5, "nvidia-smi": 1.8},
    words="Image install os. subprocess",
    matches=(
        'import subprocess\nsubprocess.Popen(["vllm", "serve", "some/model"])',
        'import os\nos.system("python -m sglang.launch_server --port 1")',
        'import subprocess, sys\nHOME = "/app/ComfyUI"\nsubprocess.run([sys.executable, "main.py"], cwd=HOME)',
        'import subprocess\ncmd = ["demucs", "--two-stems", "vocals"]\nsubprocess.run(cmd)',
        'image = Image.from_registry("nvidia/cuda:12.4.0-devel-ubuntu22.04")',
    ),
    passes=('import subprocess\nsubprocess.run(["ffmpeg", "-i", "in.mp4"])', 'print("vllm serve")'),
)
