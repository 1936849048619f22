"""Which of the models that a function names count, and how much."""

from pathlib import Path

import pytest

from analyzers.rules.knowledge.model_sizes import parameters
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
        ("turbo", 500, 1000),
        ("medium.en", 500, 1000),
        ("arcinstitute/evo2_7b", 7000, 8000),
        ("black-forest-labs/FLUX.1-Fill-dev", 1000, 20000),
        ("facebook/sam2-hiera-tiny", 500, 1000),
    ],
)
def test_a_family_tells_a_size(name: str, at_least: float, below: float) -> None:
    size = parameters(name)

    assert size is not None
    assert at_least <= size < below


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
