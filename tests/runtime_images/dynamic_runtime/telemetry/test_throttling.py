"""What cgroups say of throttling: both versions, the groups above, and where nothing says anything."""

import os
from pathlib import Path

import pytest

from runtime_images.dynamic_runtime.telemetry import throttling
from runtime_images.dynamic_runtime.telemetry.throttling import Throttling

V2 = "usage_usec 9\nnr_periods 3\nnr_throttled 2\nthrottled_usec 1500000\n"
V1 = "nr_periods 3\nnr_throttled 2\nthrottled_time 2500000000\n"


def group(root: Path, path: str, text: str) -> Path:
    """Make the file of a group."""
    file = root / path / "cpu.stat"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.fixture
def membership(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says in which groups the process is."""
    file = tmp_path / "membership"
    real = throttling._files
    monkeypatch.setattr(throttling, "_files", lambda root, _: real(root, file))
    return file


def test_the_group_of_either_version_is_read(tmp_path: Path, membership: Path) -> None:
    group(tmp_path / "v2", "app/worker", V2)
    group(tmp_path / "v1", "cpu,cpuacct/app/worker", V1)
    membership.write_text("0::/app/worker\n")
    assert Throttling(1, tmp_path / "v2").so_far_s() == 1.5
    membership.write_text("9:memory:/other\n4:cpu,cpuacct:/app/worker\n")
    assert Throttling(1, tmp_path / "v1").so_far_s() == 2.5


def test_the_group_that_is_throttled_most_counts_and_a_path_of_another_namespace_is_passed_over(
    tmp_path: Path, membership: Path
) -> None:
    inner = group(tmp_path, "app/worker", V2.replace("1500000", "100"))
    group(tmp_path, "app", V2)
    membership.write_text("0::/docker/abc/app/worker\n0::/app/worker\n")
    throttled = Throttling(1, tmp_path)
    before = throttled.so_far_s()
    inner.write_text(V2.replace("1500000", "7000000"))

    assert (before, throttled.so_far_s()) == (1.5, 7.0)


@pytest.mark.parametrize("text", ["", "usage_usec 9\n", "throttled_usec many\n"])
def test_a_group_without_a_limit_or_with_another_text_says_nothing(tmp_path: Path, membership: Path, text: str) -> None:
    group(tmp_path, "app", text)
    membership.write_text("0::/app\n")

    assert Throttling(1, tmp_path).so_far_s() == 0.0


def test_a_process_without_groups_was_never_throttled(tmp_path: Path) -> None:
    assert Throttling(2**24, tmp_path).so_far_s() == 0.0
    assert Throttling(os.getpid(), tmp_path).so_far_s() == 0.0
