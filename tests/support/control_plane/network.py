"""The plane's network: one link out, and a namespace each for what insists on the same ports.

There is no way out of it but to this machine: what a program of the plane asks of the world fails at once.
"""

import os
import subprocess
import time
from pathlib import Path

from tests.support.control_plane.layout import ADDRESSES, GATES, PODS, Layout

UPLINK = "uplink"


def ip(*arguments: str) -> None:
    """Run `ip`, or raise what it says."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def connect(layout: Layout, pid: int) -> None:
    """Lay the link from this machine into the namespace of a process. It goes away with that namespace."""
    ip("link", "add", layout.link, "type", "veth", "peer", "name", UPLINK, "netns", str(pid))
    ip("addr", "add", f"{layout.outer}/30", "dev", layout.link)
    ip("link", "set", layout.link, "up")
    ip("route", "add", str(layout.pods), "via", layout.address)


def disconnect(layout: Layout) -> None:
    """Take the link away, where a plane that was killed has left it."""
    subprocess.run(["ip", "link", "del", layout.link], capture_output=True, check=False)


def arrange(layout: Layout) -> None:
    """Lay the inner network; to be called inside the plane's namespaces."""
    # The names of namespaces are mounts: a file system of our own for them goes away with us.
    names = Path("/run/netns")
    names.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(names)], check=True)
    ip("link", "set", "lo", "up")
    _await_uplink()
    ip("addr", "add", f"{layout.address}/30", "dev", UPLINK)
    ip("link", "set", UPLINK, "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    for name in ADDRESSES:
        _add_namespace(name)
    ip("route", "add", str(layout.pods), "via", ADDRESSES[PODS])
    ip("-n", PODS, "route", "add", "local", str(layout.stand_ins), "dev", "lo")
    names = layout.directory / "resolv.conf"
    names.write_text(f"nameserver {layout.address}\nsearch svc.cluster.local cluster.local\noptions ndots:1\n")
    subprocess.run(["mount", "--bind", str(names), os.path.realpath("/etc/resolv.conf")], check=True)
    subprocess.run(["ip", "netns", "exec", PODS, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"], check=True)


def _add_namespace(name: str) -> None:
    ip("netns", "add", name)
    ip("link", "add", f"to-{name}", "type", "veth", "peer", "name", UPLINK, "netns", name)
    ip("addr", "add", f"{GATES[name]}/30", "dev", f"to-{name}")
    ip("link", "set", f"to-{name}", "up")
    ip("-n", name, "link", "set", "lo", "up")
    ip("-n", name, "addr", "add", f"{ADDRESSES[name]}/30", "dev", UPLINK)
    ip("-n", name, "link", "set", UPLINK, "up")
    ip("-n", name, "route", "add", "default", "via", GATES[name])


def _await_uplink() -> None:
    for _ in range(500):
        if (Path("/sys/class/net") / UPLINK).exists() or UPLINK in Path("/proc/net/dev").read_text():
            return
        time.sleep(0.01)
    raise OSError("the link into the plane was not laid")
