"""The function's own Python files as they were at the start, in memory that all workers get and none can change.

A switch starts a process that imports the function anew. Whatever an editor has saved meanwhile, half of it perhaps,
would be deployed by that, and the two backends would run two versions. So the runtime hands the files over.
"""

import fcntl
import json
import os
import struct
import tempfile
from collections.abc import Mapping

from runtime_images.dynamic_runtime.wire import arenas

_INDEX = struct.Struct("<Q")


def pack(files: Mapping[str, bytes]) -> int:
    """Return a descriptor of memory that holds these files by their paths."""
    places, offset = {}, 0
    for path, content in files.items():
        places[path] = (offset, len(content))
        offset += len(content)
    index = json.dumps(places).encode()
    data = b"".join((_INDEX.pack(len(index)), index, *files.values()))
    fd = arenas.create("gaia-sources", len(data))
    sealed = fd is not None
    if fd is None:  # an old kernel, or a sandbox
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    with open(os.dup(fd), "wb") as writing:  # noqa: PTH123 -- a descriptor
        writing.write(data)
    if sealed:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL)
    return fd


def unpack(fd: int) -> dict[str, bytes]:
    """Return the files by their paths; the descriptor stays the caller's."""
    data = os.pread(fd, os.fstat(fd).st_size, 0)
    (length,) = _INDEX.unpack_from(data)
    start = _INDEX.size + length
    places: dict[str, tuple[int, int]] = json.loads(data[_INDEX.size : start])
    return {path: data[start + offset : start + offset + size] for path, (offset, size) in places.items()}
