"""Libraries that do nothing without a GPU, by import name: gpu_only.tsv has them, each with its source."""

from functools import cache

from analyzers.lean.tables import read_tables


@cache
def gpu_only() -> dict[str, str]:
    """Return what each of them is for."""
    return read_tables(__file__, "gpu_only")["GPU_ONLY"]


def is_gpu_only(name: str) -> bool:
    """Return whether a qualified name is one of these libraries, or lies below one."""
    parts = name.split(".")
    return any(".".join(parts[:end]) in gpu_only() for end in range(1, len(parts) + 1))
