"""Who is told what by a probe."""

import pytest

from runtime_images.dynamic_runtime.front.health import _names_loopback


@pytest.mark.parametrize(
    "host", [b"localhost", b"LocalHost:1", b"127.0.0.1:8080", b"127.255.0.9", b"[::1]", b"[::1]:65535"]
)
def test_a_host_that_is_this_machine_alone(host: bytes) -> None:
    assert _names_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        b"", b":8080", b"evil.example", b"localhost.evil.example:80", b"127.0.0.1.evil.example", b"0.0.0.0", b"[::]",
        b"[::ffff:127.0.0.1]", b"127.1", b"2130706433", b"localhost@evil.example", b"\xff", b"128.0.0.1",
    ],
)  # fmt: skip
def test_every_other_host_may_be_a_name_that_somebody_has_pointed_here(host: bytes) -> None:
    assert not _names_loopback(host)
