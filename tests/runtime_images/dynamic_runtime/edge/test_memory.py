"""How the container's limit is found and shared out, and that memory goes back after a peak."""

from pathlib import Path

import pytest

from runtime_images.dynamic_runtime.edge.memory import ASSUMED_BYTES, SHARE, Heap, memory_limit, share_out

MIB = 2**20


def found(tmp_path: Path, membership: str, files: dict[str, str]) -> int:
    """The limit in a file system that says this."""
    for name, content in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "ascii")
    (tmp_path / "self").write_text(membership, "ascii")
    return memory_limit(tmp_path / "cgroup", tmp_path / "self")


LIMITS = {
    "v2, its own namespace": ("0::/\n", {"memory.max": "536870912\n"}, 512 * MIB),
    "v2, a parent's limit": ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": "268435456\n"}, 256 * MIB),
    "v2, the lesser of two": ("0::/a\n", {"a/memory.max": "536870912\n", "memory.max": "268435456\n"}, 256 * MIB),
    "v2, none": ("0::/\n", {"memory.max": "max\n"}, ASSUMED_BYTES),
    "v1": ("4:memory:/docker/x\n1:cpu:/\n", {"memory/docker/x/memory.limit_in_bytes": "536870912\n"}, 512 * MIB),
    "v1, the host's path": ("4:memory:/docker/x\n", {"memory/memory.limit_in_bytes": "536870912\n"}, 512 * MIB),
    "v1, none": ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, ASSUMED_BYTES),
    "more than is shared out": ("0::/\n", {"memory.max": f"{2**40}\n"}, ASSUMED_BYTES),
    "a file that makes no sense": ("0::/\n", {"memory.max": "much\n"}, ASSUMED_BYTES),
    "a line that makes no sense": ("nothing\n", {"memory.max": "536870912\n"}, ASSUMED_BYTES),
    "no cgroups": ("", {}, ASSUMED_BYTES),
}


@pytest.mark.parametrize(("membership", "files", "limit"), LIMITS.values(), ids=LIMITS)
def test_the_limit_is_that_of_the_container(tmp_path: Path, membership: str, files: dict[str, str], limit: int) -> None:
    assert found(tmp_path, membership, files) == limit


def test_clients_get_shares_of_the_memory() -> None:
    shares = share_out(512 * MIB)

    assert (shares.bodies, shares.answers) == (512 * MIB // SHARE, 512 * MIB // SHARE)
    assert 1 <= shares.connections <= 4096


def test_however_little_memory_there_is_ordinary_clients_have_room() -> None:
    assert share_out(1).bodies >= MIB
    assert share_out(1).connections >= 1


def test_the_heap_is_trimmed_once_after_a_peak_and_not_while_it_lasts() -> None:
    private = 30 * MIB
    trims: list[int] = []

    def trim() -> None:
        nonlocal private
        trims.append(private)
        private = 40 * MIB

    heap = Heap(trim, lambda: private)
    heap.tick(0)
    private = 100 * MIB
    heap.tick(60 * MIB)
    assert not trims

    heap.tick(0)
    heap.tick(0)

    assert trims == [100 * MIB]
