from typing import Any

import pytest

from gaia_cli.engines.docker_api.pushing import explain_push, follow_push
from gaia_cli.errors import ClusterRefused, EngineError, GaiaError, MissingPartError
from gaia_cli.images.references import parse_reference

DIGEST = f"sha256:{'a' * 64}"
IMAGE = parse_reference("reg.example:5000/team/hello:1")


def pushing(layer: str, current: int, total: int) -> dict[str, Any]:
    return {"status": "Pushing", "id": layer, "progressDetail": {"current": current, "total": total}}


def test_a_push_ends_with_the_digest_of_the_registry() -> None:
    events = [{"status": "Preparing"}, {"status": f"1: digest: {DIGEST} size: 5"}, {"aux": {"Digest": DIGEST}}]
    assert follow_push(iter(events), IMAGE, lambda _step: None) == DIGEST


def test_a_push_shows_each_tenth_once() -> None:
    steps: list[str] = []
    events = [pushing("a", n, 1000) for n in range(0, 1001, 20)] + [pushing("a", 1024, 1000), {"progressDetail": {}}]
    follow_push(iter([*events, {"aux": {"Digest": DIGEST}}]), IMAGE, steps.append)
    assert len(steps) == 10
    assert steps[0].startswith("  ")


@pytest.mark.parametrize("events", [[], [{"aux": {}}], [{"aux": {"Digest": "sha256:7"}}], [{"aux": {"Digest": None}}]])
def test_a_push_without_a_digest_has_failed(events: list[dict[str, Any]]) -> None:
    with pytest.raises(EngineError, match="without a digest"):
        follow_push(iter(events), IMAGE, lambda _step: None)


def test_an_error_in_the_stream_ends_the_push() -> None:
    with pytest.raises(MissingPartError, match="ada"):
        follow_push(iter([{"error": "denied: no"}, {"aux": {"Digest": DIGEST}}]), IMAGE, lambda _step: None, "ada")


@pytest.mark.parametrize(
    ("text", "kind", "hint"),
    [
        ("no basic auth credentials", MissingPartError, "docker login reg.example:5000"),
        ("denied: requested access to the resource is denied", MissingPartError, "docker login reg.example:5000"),
        ("unauthorized: authentication required", MissingPartError, "docker login reg.example:5000"),
        (
            'Get "https://reg.example:5000/v2/": http: server gave HTTP response to HTTPS client',
            EngineError,
            'insecure-registries": ["reg.example:5000"]',
        ),
        (
            'Get "https://reg.example:5000/v2/": x509: certificate signed by unknown authority',
            EngineError,
            "/etc/docker/certs.d/reg.example:5000/ca.crt",
        ),
        ('Get "https://r/v2/": dial tcp: lookup r: no such host', ClusterRefused, "name and port"),
        ("dial tcp 10.0.0.1:5000: connect: connection refused", ClusterRefused, "name and port"),
        ("received unexpected HTTP status: 507 Insufficient Storage", ClusterRefused, "log"),
    ],
)
def test_each_failure_of_a_push_says_what_to_do(text: str, kind: type[GaiaError], hint: str) -> None:
    error = explain_push(text, IMAGE, "")
    assert type(error) is kind
    assert "reg.example:5000" in error.message
    assert hint in error.hint
