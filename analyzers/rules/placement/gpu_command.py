"""GA211: GPU software that is started or installed by a command."""

from collections.abc import Iterable

from analyzers.facts.model import Call, Facts, Guard, Items, Value, options, texts
from analyzers.findings import Signal
from analyzers.lean.patterns import AnyOf, Pattern
from analyzers.lean.tables import words
from analyzers.project.model import Step
from analyzers.rules.knowledge.calls import starts_program
from analyzers.rules.knowledge.device_words import TABLES
from analyzers.rules.rule import Hit, Hits, Rule

_COMMANDS = AnyOf(" ".join(TABLES["COMMANDS"]))
"""What a command for GPUs looks like."""
_NEEDED = AnyOf(" ".join(command for command, kind in TABLES["COMMANDS"].items() if kind == "needed"))
"""What fails where there is no GPU."""
_IMAGES = AnyOf(" ".join(TABLES["IMAGES"]))
"""What the name of an image for GPUs looks like."""
_SMI = "nvidia-smi"
_ON_CPU = Pattern(r"(-d|--device)[\s=]cpu\b|\s--(cpu|no-gpu)\b|(-ngl|-gpu-layers)[\s=]0\b")
_CLONERS = frozenset({"clone_from", "clone_repository", "clone"})
_BUILDERS = words(
    "Image add_commands apt_install dockerfile_commands env from_dockerfile from_registry micromamba_install "
    "pip_install run_commands uv_pip_install"
)
_OPTIONS = words("vcodec codec c hwaccel video_codec")
"""Keywords that libraries for video hand on as options of ffmpeg."""
_RUNS = words("RUN CMD ENTRYPOINT SCRIPT")
"""Instructions of a Dockerfile, and lines of what it starts, that are commands."""
_STREAMS = words("cv2 ffmpeg ffmpegcv av gi vidgear imageio_ffmpeg pyspark")
"""Packages whose texts are parts of a command or of a pipeline: codecs, elements, plugins."""
_KEYWORDS = words("base_image commands image extra_index_url index_url cmd cwd args extra_options find_links")


def _check(facts: Facts) -> Hits:
    yield from _of_image(facts.image)
    for call in facts.calls():
        found = _for_gpus(_commands(call))
        if found and call.guard is Guard.ALWAYS:
            shown = _short(found)
            if _NEEDED.found_in(found) and not _is_one_of_several(call):
                yield Hit(call.place, f"a GPU's video engine is asked for: {shown}", "needed", Signal.NEEDS_GPU)
            elif _NEEDED.found_in(found):
                yield Hit(call.place, f"a GPU's video engine is one that may be asked for: {shown}", "chosen")
            else:
                weight = _SMI if _SMI in found else "started"
                yield Hit(call.place, f"starts or installs software for GPUs: {shown}", weight)


def _of_image(steps: Iterable[Step]) -> Hits:
    """Yield what the function's image is built from, installs and starts for GPUs."""
    for step in steps:
        if step.word == "FROM" and _IMAGES.found_in(step.text):
            yield Hit(step.place, f"its image is built from one for GPUs: {_short(step.text)}", "image")
        elif step.word in _RUNS and (found := _for_gpus([step.text])):
            weight = _SMI if _SMI in found else "started"
            yield Hit(step.place, f"its image starts or installs software for GPUs: {_short(found)}", weight)


def _short(command: str) -> str:
    return command if len(command) <= 60 else command[:57] + "..."


def _for_gpus(commands: list[str]) -> str:
    """Return the first command for GPUs, empty where there is none, or where the CPU is asked for."""
    found = next((text for text in commands if _COMMANDS.found_in(text)), "")
    return "" if found and any(map(_ON_CPU.search, commands)) else found


def _commands(call: Call) -> list[str]:
    runs = starts_program(call) or call.method in _BUILDERS or call.method in _CLONERS or call.package in _STREAMS
    values = [argument.value for argument in call.args] if runs else []
    values += [argument.value for name, argument in call.keywords if name in _KEYWORDS]
    handed = [(name, argument.value) for name, argument in call.keywords if name in _OPTIONS]
    return [
        *(text for value in values for text in _lines(value)),
        *(f"-{name} {text}" for name, value in handed for text in texts(value)),
    ]


def _is_one_of_several(call: Call) -> bool:
    """Return whether code chooses among the words that name a video engine, as by what the machine has."""
    values = [argument.value for argument in call.arguments]
    parts = [item for value in values for option in options(value) for item in _parts(option)]
    named = [part for part in (*values, *parts) if any(map(_NEEDED.found_in, texts(part)))]
    return bool(named) and all(not all(map(_NEEDED.found_in, texts(part))) for part in named)


def _parts(value: Value) -> tuple[Value, ...]:
    return value.values if isinstance(value, Items) else ()


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
    weights={"needed": 3.5, "chosen": 0.7, "started": 2.5, "image": 1.8, "nvidia-smi": 1.8},
    words="Image install os. subprocess nvenc cuvid nvdec nvv4l2 nvh26 nvinfer nvargus nvvid hwaccel spark",
    matches=(
        'import subprocess\nsubprocess.Popen(["vllm", "serve", "some/model"])',
        'import os\nos.system("python -m sglang.launch_server --port 1")',
        'import subprocess, sys\nHOME = "/app/ComfyUI"\nsubprocess.run([sys.executable, "main.py"], cwd=HOME)',
        'import subprocess\ncmd = ["demucs", "--two-stems", "vocals"]\nsubprocess.run(cmd)',
        'import ffmpeg\nffmpeg.input("a.mp4", hwaccel="cuda").output("b.mp4", vcodec="h264_nvenc").run()',
        (
            'import os, subprocess\nuse = "libx264"\nif os.path.exists("/dev/nvidia0"):\n    use = "h264_nvenc"\n'
            'subprocess.run(["ffmpeg", "-i", "a", "-c:v", use, "b"])'
        ),
        'from gi.repository import Gst\nGst.parse_launch("filesrc location=a ! nvv4l2decoder ! fakesink")',
        'image = Image.from_registry("nvidia/cuda:12.4.0-devel-ubuntu22.04")',
    ),
    passes=(
        'import subprocess\nsubprocess.run(["ffmpeg", "-i", "in.mp4"])',
        'import subprocess\nsubprocess.run(["demucs", "-d", "cpu", "in.wav"])',
        'print("vllm serve")',
    ),
)
