"""Which of the function's files all its workers run: those of the start that first made a worker ready.

Until then each start reads them anew, so that whoever mends a function that cannot be started need do no more. From
then on they stay as they are: only a new start of the runtime takes what was edited.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runtime_images.dynamic_runtime.wire import sources

_MOST_BYTES = 32 * 1024 * 1024
"""Whatever is beyond that, such as an environment among the function's files, each worker reads for itself."""

_NOT_ITS_OWN = ("__pycache__", "node_modules", "site-packages")


class OwnFiles:
    """The Python files below a function's directory, in memory for its workers."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._fd = -1
        self._is_kept = False

    def descriptor(self) -> int:
        """Return a descriptor for a new worker; it stays this object's."""
        if not self._is_kept:
            self.close()
            self._fd = sources.pack(dict(_read(str(self._directory.resolve()))))
        return self._fd

    def outcome_known(self, facts: dict[str, Any]) -> None:
        """Keep the files once a worker is ready, whose facts name no failure."""
        self._is_kept = self._is_kept or "kind" not in facts

    def close(self) -> None:
        """Free the memory."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _read(top: str) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each Python file, as long as they fit."""
    left = _MOST_BYTES
    for directory, below, names in os.walk(top):
        below[:] = sorted(name for name in below if _is_its_own(directory, name))
        for name in sorted(name for name in names if name.endswith(".py")):
            path = f"{directory}/{name}"
            with contextlib.suppress(OSError):
                if not os.path.isfile(path) or os.path.getsize(path) > left:  # noqa: PTH113, PTH202 -- many files
                    continue
                content = Path(path).read_bytes()
                left -= len(content)
                yield path, content


def _is_its_own(directory: str, name: str) -> bool:
    is_environment = os.path.exists(f"{directory}/{name}/pyvenv.cfg")  # noqa: PTH110 -- many directories
    return not (name.startswith(".") or name in _NOT_ITS_OWN or is_environment)
