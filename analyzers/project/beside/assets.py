"""Files beside the code that tell what a function does: a model's weights, by size, and kernels' sources.

They are looked for at the root, beside the entry point, and in the usual directories for models there. Of weights only
the size counts; a Git LFS pointer is read, since it states the size of the file that it stands for.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from analyzers.lean.files import LFS_POINTER, open_inside
from analyzers.lean.patterns import Pattern
from analyzers.project.model import Asset

_WEIGHTS = (".safetensors", ".gguf", ".ckpt", ".pt", ".pth", ".onnx", ".keras", ".tflite", ".pdparams", ".engine")
KERNELS = (".cu", ".cuh")
_UNSURE_WEIGHTS = (".bin", ".h5", ".pb", ".msgpack")
_SPEAKS_OF_A_MODEL = Pattern(r"model|weight|checkpoint|adapter")
_SHARD = Pattern(r"-\d{5}-of-\d{5}(?=\.)")
_HOMES = ("model", "models", "weights", "checkpoint", "checkpoints", "ckpt", "ckpts", "kernels", "csrc")
_MOST_FILES = 1000
_LONGEST_POINTER = 1024
_POINTER_SIZE = Pattern(r"(?m)^size (\d{1,18})$")


def read_assets(root: Path, entry: str = "") -> tuple[Asset, ...]:
    """Return the weights and kernel sources at the root, beside `entry` and in models' directories; shards as one."""
    tops = ("", entry.rpartition("/")[0])
    bases = dict.fromkeys(f"{top}/{home}".strip("/") for top in tops for home in ("", *_HOMES))
    return tuple(asset for base in bases for asset in _joined(_in_directory(root, base)))


def _joined(assets: Iterator[Asset]) -> list[Asset]:
    """Return `assets` with the shards of a model, `model-00001-of-00004.safetensors`, joined to the first."""
    found: dict[str, Asset] = {}
    for asset in assets:
        whole = _SHARD.sub("", asset.path)
        known = found.get(whole)
        found[whole] = Asset(known.path, known.bytes + asset.bytes) if known else asset
    return list(found.values())


def _in_directory(root: Path, base: str) -> Iterator[Asset]:
    try:
        names = sorted(os.listdir(root / base))[:_MOST_FILES]  # noqa: PTH208 -- pathlib makes a Path of every file
    except OSError:
        return
    for name in names:
        path = f"{base}/{name}".lstrip("/")
        if _is_asset(name.lower()) and (size := _size(root, path)) is not None:
            yield Asset(path, size)


def _is_asset(name: str) -> bool:
    return name.endswith((*_WEIGHTS, *KERNELS)) or (
        name.endswith(_UNSURE_WEIGHTS) and _SPEAKS_OF_A_MODEL.search(name) is not None
    )


def _size(root: Path, path: str) -> int | None:
    """Return the size of a file, or the one that its Git LFS pointer states; None for a link or a directory."""
    if (root / path).is_symlink():
        return None
    try:
        with open_inside(str(root), path) as file:
            size = os.fstat(file.fileno()).st_size
            text = file.read(_LONGEST_POINTER) if size <= _LONGEST_POINTER else b""
    except OSError:
        return None
    stated = _POINTER_SIZE.search(text.decode(errors="replace")) if text.startswith(LFS_POINTER) else None
    return int(stated[1]) if stated else size
