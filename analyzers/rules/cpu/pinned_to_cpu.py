"""GA605: the code computes on the CPU, whatever the machine has."""

from analyzers.facts.model import Facts
from analyzers.findings import Signal
from analyzers.rules.knowledge.cpu_pins import is_free, pins
from analyzers.rules.rule import Hit, Hits, Rule


def _check(facts: Facts) -> Hits:
    pinned = list(pins(facts))
    if pinned and not is_free(facts):
        for pin in pinned:
            yield Hit(pin.place, f"{pin.name} is told to use the CPU, as everything here is", "pinned")


RULE = Rule(
    code="GA605",
    name="pinned-to-cpu",
    summary="The code places its work on the CPU, all of it.",
    rationale='device="cpu", gpu=False and their like are the author\'s decision, and a GPU would idle. It counts only '
    "where nothing else is placed on a GPU, takes one by itself, or goes to a device that the code does not tell.",
    remedy='Ask which device there is, to let Gaia choose: `"cuda" if torch.cuda.is_available() else "cpu"`.',
    confidence=0.95,
    signal=Signal.RULES_OUT_GPU,
    check=_check,
    weights={"pinned": -3.0},
    words="cpu CPU gpu cuda device ctx_id",
    matches=(
        'import caffe\ncaffe.set_mode_cpu()\nnet = caffe.Net("a", "b", caffe.TEST)',
        'import torch\nnet = torch.jit.load("m.pt").to("cpu")',
        'from transformers import pipeline\np = pipeline("text-generation", model="a", device=-1)',
        'from faster_whisper import WhisperModel\nm = WhisperModel("large-v3", device="cpu")',
        'import easyocr\nr = easyocr.Reader(["en"], gpu=False)',
        'import onnxruntime as ort\ns = ort.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])',
        "import insightface\napp = insightface.app.FaceAnalysis()\napp.prepare(ctx_id=-1)",
        'from TTS.api import TTS\nvoice = TTS("a").to("cpu")',
        'import jax\njax.config.update("jax_platform_name", "cpu")\nx = jax.numpy.ones(3)',
        'import os\nos.environ["JAX_PLATFORMS"] = "cpu"\nimport jax\nx = jax.numpy.ones(3)',
        'from openmm import Platform\nplace = Platform.getPlatformByName("CPU")',
    ),
    passes=(
        'import torch\nnet = torch.load("m.pt", map_location="cpu")',
        'import torch\nx = torch.zeros(3).to("cpu")\ny = torch.zeros(3).to("cuda")',
        'import torch\ndef put(x, device):\n    return x.to("cpu"), x.to(device)',
        'import easyocr, whisper\nr = easyocr.Reader(["en"], gpu=False)\nm = whisper.load_model("base")',
        'import tensorflow as tf\nwith tf.device("/cpu:0"):\n    x = 1',
        'import torch, transformers\np = transformers.pipeline("a")\ng = torch.Generator("cpu").manual_seed(0)',
        'import torch\nnodes = [{"device": "cpu"}, {"device": "gpu"}]',
    ),
)
