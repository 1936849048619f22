"""Stand-in for nvidia-container-runtime-hook: gives a container fake device nodes and the fake NVML library.

runc calls it as `HOOK prestart` with the container's state on standard input, after the container's namespaces
exist and before its root is switched. The root file system is then still at its place in the bundle, but only
inside the container's mount namespace, hence nsenter. The nodes are copies of /dev/null: its numbers pass the
default device rules, NVIDIA's own would need a driver. The directory with the state is mounted, not the file, so
that a replaced file is seen.
"""

import json
import os
import platform
import sys
from pathlib import Path

MOUNT = """
root=$1; kit=$2; libraries=$root$3; shift 3
for node in nvidiactl nvidia-uvm; do mknod -m 666 "$root/dev/$node" c 1 3; done
for index; do mknod -m 666 "$root/dev/nvidia$index" c 1 3; done
mkdir -p "$libraries" "$root/run/fake-nvml"
: >"$libraries/libnvidia-ml.so.1"
mount --bind "$kit/libnvidia-ml.so.1" "$libraries/libnvidia-ml.so.1"
mount -o remount,bind,ro "$libraries/libnvidia-ml.so.1"
mount --bind "$kit" "$root/run/fake-nvml"
mount -o remount,bind,ro "$root/run/fake-nvml"
"""


def main() -> None:
    """Do the work of the prestart hook; other hooks have nothing to do."""
    if sys.argv[1:] != ["prestart"]:
        return
    kit = Path(os.environ["FAKE_GPU_DIR"])
    container = json.load(sys.stdin)
    bundle = Path(container["bundle"])
    config = json.loads((bundle / "config.json").read_text(encoding="utf-8"))
    indices = wanted(config["process"].get("env", []), read_state(kit / "state"))
    if indices:
        root = bundle / config["root"]["path"]
        libraries = f"/usr/lib/{platform.machine()}-linux-gnu"
        arguments = ["sh", "-euc", MOUNT, "hook", str(root), str(kit), libraries, *map(str, indices)]
        os.execvp("nsenter", ["nsenter", "-t", str(container["pid"]), "-m", "--", *arguments])  # noqa: S606 -- as runc's hooks do


def read_state(path: Path) -> dict[str, str]:
    """The key=value lines of the kit's state file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def wanted(environment: list[str], state: dict[str, str]) -> list[int]:
    """The indices of the GPUs that the device request, as dockerd writes it to the environment, asks for."""
    values = [entry.partition("=")[2] for entry in environment if entry.startswith("NVIDIA_VISIBLE_DEVICES=")]
    count = int(state["count"])
    match values[-1:]:
        case [] | ["" | "void" | "none"]:
            return []
        case ["all"]:
            return list(range(count))
    known = {str(index): index for index in range(count)}
    known |= {state[f"gpu{index}.uuid"]: index for index in range(count)}
    for name in values[-1].split(","):
        if name not in known:
            sys.exit(f"nvidia-container-cli: device error: {name}: unknown device")
    return [known[name] for name in values[-1].split(",")]


if __name__ == "__main__":
    main()
