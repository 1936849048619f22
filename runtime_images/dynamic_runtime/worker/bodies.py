"""Large bodies as a worker moves them: copied out of the front's arena, and placed in the worker's own.

Without arenas, and while the worker's own is full, bodies travel in frames. Standard library only.
"""

from runtime_images.dynamic_runtime.wire import arenas
from runtime_images.dynamic_runtime.wire.frames import IN_ARENA


class Bodies:
    """A worker's ends of the two arenas, or of none."""

    def __init__(self, requests: arenas.Reader | None = None, answers: arenas.Writer | None = None) -> None:
        self._requests = requests
        self._answers = answers

    def take(self, flags: int, body: bytes) -> bytes:
        """The body of a request, whose frame holds it or says where it is."""
        if not flags & IN_ARENA or self._requests is None:
            return body
        return bytes(self._requests.part(body))

    def place(self, body: bytes) -> bytes | None:
        """What a frame says of the body of a long answer, if there is room for it."""
        if self._answers is None:
            return None
        slot = self._answers.place(body)
        return None if slot is None else slot.place

    def give_back(self, page: int) -> None:
        """The front needs what begins on this page no more."""
        if self._answers is not None:
            self._answers.give_back(page * arenas.PAGE_BYTES)


def open_bodies(descriptors: list[int]) -> Bodies:
    """A worker's ends of the arenas that it was given, none or both: requests, answers."""
    if not descriptors:
        return Bodies()
    requests, answers = descriptors
    return Bodies(arenas.reader(requests), arenas.writer(answers))
