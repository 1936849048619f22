"""Files that may not be read, for root too: a process that has given up root's powers over files."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POWERS = "-dac_override,-dac_read_search"

WITHOUT_POWERS = (
    ("setpriv", f"--inh-caps={_POWERS}", f"--bounding-set={_POWERS}")
    if os.geteuid() == 0 and shutil.which("setpriv")
    else ()
)
"""What goes before a command so that closed files are closed to it."""

CAN_CLOSE = os.geteuid() != 0 or bool(WITHOUT_POWERS)


@contextmanager
def closed(path: Path) -> Iterator[None]:
    """Let nobody read `path` meanwhile."""
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        yield
    finally:
        path.chmod(mode)
