"""Writes down which rooms of the packages a process enters, into a file for each process in $TRACE_ROOMS.

A line is a moment, the moment when the event loop's callback that it belongs to began (0 outside of any), both in ns of
CLOCK_MONOTONIC, and the room. What an import runs is left out: loading is not yet working.
"""

import os
import sys
import threading
import time
from pathlib import Path
from types import CodeType, FrameType

ROOT = Path(__file__).parents[3]
PACKAGES = ("gaia_cli", "analyzers", "runtime_images")
OF_A_FUNCTION = 1
"""A flag of code that is neither a module's nor a class's."""


LOOPS = ("/asyncio/", "/threading.py", "/uvloop/")
"""Files whose callers are an event loop, or a new thread: a piece of work begins below them."""


def room_of(path: str) -> str | None:
    """The room that a file is in: its folder, cut to two names, in what runs to three; a package itself is none."""
    names = path.removeprefix(f"{ROOT}/").split("/")[:-1]
    if len(names) < 2 or names[0] not in PACKAGES:
        return None
    return "/".join(names[: 3 if names[0] == "runtime_images" else 2])


class Trace:
    """What one thread does."""

    rooms: dict[CodeType, str | None] = {}  # noqa: RUF012 -- of all threads
    file = -1

    def __init__(self) -> None:
        self.importing = 0
        self.began_ns = 0
        self.last: str | None = None

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Take a call or a return."""
        code = frame.f_code
        if not code.co_flags & OF_A_FUNCTION:
            if event in ("call", "return") and frame.f_globals.get("__name__") != "__main__":
                step = 1 if event == "call" else -1
                self.importing = max(0, self.importing + step)  # what was on when this began is not counted
        elif event == "call" and not self.importing:
            if code not in self.rooms:
                self.rooms[code] = room_of(code.co_filename)
            self.enter(self.rooms[code], frame.f_back)

    def enter(self, room: str | None, caller: FrameType | None) -> None:
        """Take a call into a room."""
        begins = caller is None or any(loop in caller.f_code.co_filename for loop in LOOPS)
        if room is None or (room == self.last and not begins):
            return
        now_ns = time.monotonic_ns()
        self.began_ns = now_ns if begins else self.began_ns
        self.last = room
        os.write(Trace.file, f"{now_ns} {self.began_ns} {room}\n".encode())

    @classmethod
    def open(cls) -> None:
        """Begin the file of this process."""
        path = os.path.join(os.environ["TRACE_ROOMS"], str(os.getpid()))  # noqa: PTH118 -- also in a forked child
        cls.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def start(frame: FrameType, event: str, argument: object) -> None:
    """Give a new thread a trace of its own."""
    trace = Trace()
    sys.setprofile(trace)
    trace(frame, event, argument)


if "TRACE_ROOMS" in os.environ:
    Trace.open()
    os.register_at_fork(after_in_child=Trace.open)
    threading.setprofile(start)
    sys.setprofile(Trace())
