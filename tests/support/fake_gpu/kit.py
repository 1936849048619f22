"""Put the fake GPU kit together: `python3 kit.py DIR` fills DIR with the hook, the library and the state.

dockerd finds the hook when DIR is on its PATH, and the hook finds the rest by FAKE_GPU_DIR in dockerd's
environment. Standard library only, no import of the project: it runs before any virtual environment exists.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HOOK = "nvidia-container-runtime-hook"
"""The name under which dockerd looks for NVIDIA's hook."""
LIBRARY = "libnvidia-ml.so.1"

STATE = """\
count=2
driver=550.163.01
devdir=/dev
gpu0.name=Fake L4
gpu0.uuid=GPU-00000000-0000-4000-8000-000000000000
gpu1.name=Fake L4
gpu1.uuid=GPU-11111111-0000-4000-8000-000000000000
"""
"""Two GPUs, of which a container sees those that have a device node in its /dev."""


def write_kit(directory: Path) -> None:
    """Fill `directory` with the hook, the library and the state.

    Raises:
        FileNotFoundError: there is no C compiler.
        subprocess.CalledProcessError: the library does not compile.
    """
    directory.mkdir(parents=True, exist_ok=True)
    build_library(directory / LIBRARY)
    hook = directory / HOOK
    source = (HERE / "hook.py").read_text(encoding="utf-8")
    hook.write_text(f"#!{sys.executable} -IS\n{source}", encoding="utf-8")
    hook.chmod(0o755)
    (directory / "state").write_text(STATE, encoding="utf-8")


def build_library(target: Path) -> None:
    """Compile the fake NVML library to `target`."""
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-fvisibility=hidden", f"-Wl,-soname,{LIBRARY}"]
    subprocess.run(["cc", *flags, "-o", str(target), str(HERE / "nvml.c")], check=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: kit.py DIR")
    try:
        write_kit(Path(sys.argv[1]))
    except FileNotFoundError:
        sys.exit("fake GPU kit: no C compiler (cc) found: install gcc and libc6-dev")
