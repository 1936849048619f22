"""Planes stand side by side, and nothing stays of one whose owner is killed."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.support.control_plane.layout import Layout
from tests.support.control_plane.lifecycle import Plane
from tests.support.processes import eventually

OWNER = """
import os, signal
from tests.support.control_plane import lifecycle
print(lifecycle.up_anywhere(os.getpid()).layout.number, flush=True)
signal.pause()
"""


def link_is_there(layout: Layout) -> bool:
    return (Path("/sys/class/net") / layout.link).exists()


def test_a_plane_ends_with_its_owner_however_that_ends(plane: Plane) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        layout = Layout(int(owner.stdout.readline()))
        stood = layout.number != plane.layout.number and link_is_there(layout) and layout.directory.exists()
        owner.send_signal(signal.SIGKILL)

    assert stood
    assert eventually(lambda: not link_is_there(layout) and not layout.directory.exists())
    assert link_is_there(plane.layout)


def test_a_program_that_has_just_ended_may_be_sent_a_signal(plane: Plane) -> None:
    plane.send("autoscaler", signal.SIGKILL)

    for _ in range(6):
        plane.send("autoscaler", signal.SIGCONT)
