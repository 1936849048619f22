"""What the Dockerfile beside a function says: what its image is built from, installs and starts."""

from pathlib import Path

import pytest

from analyzers.project.beside.dockerfile import read_steps
from analyzers.project.beside.installed import installed
from tests.analyzers.support import analysis_of, mode_of, project

HANDLER = "def handler(payload):\n    return payload\n"
TORCH = "import torch\ndef handler(payload):\n    return torch.nn.Linear(9, 9)(torch.ones(9))\n"


def _steps(root: Path, dockerfile: str, **files: str) -> list[tuple[str, str]]:
    project(root, {"Dockerfile": dockerfile}, **files)
    return [(step.word, step.text) for step in read_steps(root)]


def test_instructions_are_read_with_the_lines_they_go_on_in(tmp_path: Path) -> None:
    text = '# syntax=docker/dockerfile:1\nfrom x\nRUN a \\\n  # between\n\n  && b\nCMD ["c"]'

    assert _steps(tmp_path, text) == [("FROM", "x"), ("RUN", "a && b"), ("CMD", '["c"]')]


def test_a_heredoc_is_one_instruction(tmp_path: Path) -> None:
    steps = _steps(tmp_path, "FROM x\nRUN <<EOF\npip install vllm\nEOF\nRUN b\n")

    assert [word for word, _ in steps] == ["FROM", "RUN", "RUN"]
    assert [one.name for one in installed(read_steps(tmp_path))] == ["vllm"]


def test_only_the_last_stage_counts_and_what_it_begins_with(tmp_path: Path) -> None:
    stages = "FROM nvidia/cuda:12 AS build\nRUN a\nFROM x AS base\nRUN b\nFROM base\nRUN c\n"

    assert _steps(tmp_path, stages) == [("FROM", "x"), ("RUN", "b"), ("RUN", "c")]


def test_arguments_have_their_defaults(tmp_path: Path) -> None:
    text = "ARG TAG=12-cuda\nFROM --platform=linux/amd64 base:${TAG} AS it\nARG W=cu121\nRUN echo $W ${V:-v} $U\n"

    assert _steps(tmp_path, text)[0] == ("FROM", "base:12-cuda")
    assert _steps(tmp_path, text)[-1] == ("RUN", "echo cu121 v $U")


def test_the_script_that_an_image_starts_is_read(tmp_path: Path) -> None:
    steps = _steps(tmp_path, 'FROM x\nCMD ["/app/start.sh", "now"]\n', start_sh="#!/bin/sh\nvllm serve m\n")

    assert ("SCRIPT", "vllm serve m") in steps


def test_an_endless_dockerfile_is_cut_off(tmp_path: Path) -> None:
    stages = "".join(f"FROM s{number} AS s{number + 1}\nRUN a\n" for number in range(5000))
    bomb = f"ARG A={'x' * 500}\nFROM x\nRUN {'$A' * 100_000}\n"

    assert len(_steps(tmp_path, stages)) <= 1000
    assert all(len(text) <= 20_000 for _, text in _steps(tmp_path, bomb))


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("RUN pip install --no-cache-dir 'torch>=2' vllm==0.6 && rm -rf x", ["torch>=2", "vllm==0.6"]),
        ("RUN python3 -m pip install -r requirements.txt runpod", ["runpod"]),
        ("RUN uv pip install --system torch --index-url https://w/whl/cpu", ["torch", "--index-url https://w/whl/cpu"]),
        ("RUN --mount=type=cache,target=/c pip3 install -t . torch==2.6.0+cpu", ["torch==2.6.0+cpu"]),
        ("RUN apt-get install -y ffmpeg; conda install -y faiss", ["faiss"]),
        ("RUN if [ $GPU = 1 ]; then pip install vllm; fi", []),
        ("RUN pip install torch 'unclosed", ["torch"]),
        ("RUN pip install . ./wheels/a.whl $EXTRA", []),
        ("COPY pip install torch", []),
    ],
)
def test_what_an_image_installs_is_a_dependency(tmp_path: Path, command: str, wanted: list[str]) -> None:
    project(tmp_path, {"Dockerfile": f"FROM x\n{command}\n"})

    assert [one.text.strip("'") for one in installed(read_steps(tmp_path))] == wanted


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM nvidia/cuda:12.1.0-base-ubuntu22.04",
        "FROM runpod/pytorch:2.4.0-py3.11-cuda12.4.1-devel-ubuntu22.04",
        "FROM runpod/worker-comfyui:5.8.6-base",
        "FROM tensorflow/tensorflow:2.15.0-gpu",
        "FROM python:3.11-slim\nRUN pip install vllm",
        "FROM python:3.11-slim\nRUN git clone https://github.com/comfyanonymous/ComfyUI.git",
        'FROM python:3.11-slim\nCMD ["python", "-m", "vllm.entrypoints.openai.api_server"]',
        "ARG CUDA=12.1.0\nFROM base:${CUDA}-cuda",
    ],
)
def test_an_image_for_gpus_speaks_for_one(tmp_path: Path, dockerfile: str) -> None:
    assert mode_of(tmp_path, HANDLER) == "cpu"
    (tmp_path / "Dockerfile").write_text(dockerfile + "\n")
    assert mode_of(tmp_path, HANDLER) == "gpu_preferred"


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM python:3.11-slim\nRUN pip install requests",
        "FROM nvidia/cuda:12 AS build\nRUN nvcc x.cu\nFROM python:3.11-slim",
        "FROM vllm/vllm-openai-cpu:v0.8",
        "FROM python:3.11-slim\n# FROM nvidia/cuda:12",
        "FROM x/nocuda-base",
    ],
)
def test_an_image_that_is_not_for_gpus_says_nothing(tmp_path: Path, dockerfile: str) -> None:
    (tmp_path / "Dockerfile").write_text(dockerfile + "\n")

    assert mode_of(tmp_path, HANDLER) == "cpu"


def test_a_build_for_cpus_in_the_image_rules_a_gpu_out(tmp_path: Path) -> None:
    image = "FROM python:3.11\nRUN pip install torch --index-url https://download.pytorch.org/whl/cpu\n"

    assert mode_of(tmp_path, TORCH) == "cpu_preferred"
    (tmp_path / "Dockerfile").write_text(image)
    assert mode_of(tmp_path, TORCH) == "cpu"


def test_the_reason_names_the_line_of_the_dockerfile(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("\nFROM nvidia/cuda:12\n")
    analysis = analysis_of(tmp_path, HANDLER)

    assert "(Dockerfile:2)" in analysis.reason


@pytest.mark.parametrize(
    ("names", "mode"),
    [
        (["Dockerfile.gpu"], "gpu_preferred"),
        (["worker.Dockerfile"], "gpu_preferred"),
        (["Containerfile"], "gpu_preferred"),
        (["Dockerfile.gpu", "Dockerfile.dev"], "gpu_preferred"),
        (["Dockerfile.gpu", "Dockerfile.other"], "cpu"),
        (["Dockerfile.test"], "cpu"),
        (["Dockerfile.dockerignore"], "cpu"),
    ],
)
def test_the_only_dockerfile_may_have_another_name(tmp_path: Path, names: list[str], mode: str) -> None:
    for name in names:
        (tmp_path / name).write_text("FROM nvidia/cuda:12\n")

    assert mode_of(tmp_path, HANDLER) == mode


def test_a_dockerfile_goes_before_those_of_other_names(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.gpu").write_text("FROM nvidia/cuda:12\n")
    (tmp_path / "Dockerfile").write_text("FROM python:3.11\n")

    assert mode_of(tmp_path, HANDLER) == "cpu"
