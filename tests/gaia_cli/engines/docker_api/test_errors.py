from pathlib import Path

import pytest

from gaia_cli.engines.docker_api.errors import explain, no_engine, not_connected
from gaia_cli.errors import EngineError, UsageError


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('could not select device driver "nvidia" with capabilities: [[gpu]]', "cannot pass an NVIDIA GPU through"),
        ("OCI runtime create failed: error running hook #0: exit status 1, stderr: x", "could not hand out a GPU"),
        ('Get "https://registry/v2/": dial tcp: lookup registry: no such host', "registry cannot be reached"),
        ("manifest for python:9.9-slim not found: manifest unknown", "no such image"),
        ("pull access denied for x, repository does not exist", "no such image"),
        ("write /var/lib/docker/x: no space left on device", "disk is full"),
        ("Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available", "cannot give these limits"),
        ("something new", "the Docker engine refused: something new"),
    ],
)
def test_what_an_engine_says_becomes_a_sentence_with_a_hint(text: str, sentence: str) -> None:
    error = explain(text)

    assert isinstance(error, EngineError)
    assert sentence in error.message
    assert error.hint


@pytest.mark.parametrize(
    "text",
    [
        "driver failed programming external connectivity: Bind for 127.0.0.1:18080 failed: port is already allocated",
        "Error starting userland proxy: listen tcp4 127.0.0.1:18080: bind: address already in use",
        "Ports are not available: exposing port TCP 127.0.0.1:18080 -> 0.0.0.0:0: listen tcp 127.0.0.1:18080: bind: x",
    ],
)
def test_a_port_that_is_taken_is_a_matter_of_usage_and_named(text: str) -> None:
    error = explain(text)

    assert isinstance(error, UsageError)
    assert error.message == "port 18080 is in use"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))", "no Docker engine answers"),
        ("('Connection aborted.', PermissionError(13, 'Permission denied'))", "you may not use the Docker engine"),
        ("Read timed out. (read timeout=60)", "the Docker engine does not answer in time"),
    ],
)
def test_a_connection_that_fails_says_why(text: str, sentence: str) -> None:
    assert no_engine(text).message == sentence


def test_a_configuration_that_cannot_be_used_is_no_engine_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"auths": {"registry.example": "ada"}}')
    environ = {"DOCKER_CONFIG": str(tmp_path)}

    broken = not_connected("Invalid configuration for registry registry.example", environ)
    absent = not_connected("Error while fetching server API version: FileNotFoundError", environ)

    assert f"auths.registry.example in {tmp_path / 'config.json'} must be a JSON object" in broken.message
    assert absent.message == "no Docker engine answers"


def test_a_long_text_is_cut_in_the_middle() -> None:
    assert len(explain("x" * 5000).message) < 400
