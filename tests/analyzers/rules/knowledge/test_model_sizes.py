"""Which of the models that a function names count, and how much."""

from pathlib import Path

import pytest

from analyzers.rules.knowledge.model_sizes import Size, parameters, sizes
from tests.analyzers.support import analysis_of

_LOADS = "from transformers import AutoModel\n"


def _weights(tmp_path: Path, code: str) -> dict[str, float]:
    findings = analysis_of(tmp_path, code).findings
    return {finding.message.partition(" is ")[0]: finding.weight for finding in findings if finding.rule == "GA501"}


@pytest.mark.parametrize(
    ("name", "at_least", "below"),
    [
        ("hexgrad/Kokoro-82M", 0, 150),
        ("google/embeddinggemma-300m", 300, 500),
        ("/app/birefnet_model", 500, 1000),
        ("Camb-ai/mars5-tts", 500, 1000),
        ("arcinstitute/evo2_7b", 7000, 8000),
        ("black-forest-labs/FLUX.1-Fill-dev", 1000, 20000),
        ("facebook/sam2-something", 500, 1000),
    ],
)
def test_a_family_tells_a_size(name: str, at_least: float, below: float) -> None:
    size = parameters(name)

    assert size is not None
    assert at_least <= size.millions < below


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("all-MiniLM-L6-v2", 22.7),
        ("sentence-transformers/all-MiniLM-L6-v2", 22.7),
        ("Xenova/all-MiniLM-L6-v2-onnx", 22.7),
        ("./weights/yolov8n.pt", 3.2),
        ("sam_vit_h_4b8939.pth", 641),
        ("ViT-B/32", 151),
        ("openai/whisper-large-v3-turbo", 809),
        ("medium.en", 769),
        ("microsoft/phi-1_5", 1420),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", 46_700),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", 109_000),
        ("Qwen/Qwen2.5-1.5B-Instruct", 1500),
        ("meta-llama/Llama-3-70b", 70_000),
        ("facebook/sam2-hiera-tiny", 38.9),
        ("HuggingFaceTB/SmolLM2-135M", 135),
    ],
)
def test_a_known_model_has_its_own_size(name: str, millions: float) -> None:
    size = parameters(name)

    assert size is not None
    assert (size.millions, size.known) == (millions, True)


def test_words_that_are_looked_up_are_counted_apart() -> None:
    tables = sizes()

    assert parameters("all-MiniLM-L6-v2") == Size(22.7, known=True, words=11.7)
    assert parameters("openai-community/gpt2") == Size(124, known=True)
    assert [name for name, words in tables["WORDS"].items() if not words < tables["MODELS"][name]] == []


@pytest.mark.parametrize("name", ["me/my-bert-finetuned", "org/minilm-for-mails", "some-whisper-tiny-ours"])
def test_of_another_model_of_a_family_only_the_least_is_known(name: str) -> None:
    size = parameters(name)

    assert size is not None
    assert not size.known


def test_a_message_says_what_is_known_of_a_size(tmp_path: Path) -> None:
    loads = (f'm = AutoModel.from_pretrained("{name}")\n' for name in ("distilbert-base-uncased", "my-bert"))
    code = _LOADS + "".join(loads)
    messages = [finding.message for finding in analysis_of(tmp_path, code).findings if finding.rule == "GA501"]

    assert messages == [
        "distilbert-base-uncased is a model of about 67 million parameters",
        "my-bert is of a family of models from about 100 million parameters up",
    ]


@pytest.mark.parametrize("name", ["india-post", "media-files", "my-upscaled-data", "encoder.pt", "./weights"])
def test_other_names_tell_nothing(name: str) -> None:
    assert parameters(name) is None


def test_beside_a_larger_model_a_small_one_says_nothing(tmp_path: Path) -> None:
    small, large = 'a = AutoModel.from_pretrained("distilbert-base")\n', 'b = AutoModel.from_pretrained("x/y-7b")\n'

    assert _weights(tmp_path, _LOADS + small) == {"distilbert-base": -0.6}
    assert _weights(tmp_path, _LOADS + small + large) == {"x/y-7b": 4.0}


def test_a_network_that_answers_for_each_pixel_is_not_called_small(tmp_path: Path) -> None:
    code = 'from ultralytics import YOLO\nmodel = YOLO("yolov8n.pt")\n'

    assert _weights(tmp_path, code) == {"yolov8n.pt": 0.0}


def test_a_tag_of_ollama_counts_only_where_the_function_starts_its_server(tmp_path: Path) -> None:
    code = 'import torch, ollama\nMODEL = "llama3:8b"\n'
    start = 'import subprocess\nsubprocess.Popen(["ollama", "serve"])\n'

    assert _weights(tmp_path, code) == {}
    assert _weights(tmp_path, code + start) == {"llama3:8b": 4.0}
