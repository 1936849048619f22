"""Long bodies in shared memory, between the front and one worker; without arenas they travel in frames."""

import contextlib

from runtime_images.dynamic_runtime.front.job import Job
from runtime_images.dynamic_runtime.wire import arenas, frames


class LongBodies:
    """The front's ends of the two arenas, or of none."""

    def __init__(self, requests: arenas.Requests | None = None, answers: arenas.Reader | None = None) -> None:
        self._requests = requests
        self._answers = answers
        self._orphans: list[arenas.Slot] = []

    def payload_of(self, job: Job) -> tuple[bytes, int]:
        """Return the payload of a long request's frame, and its flags: where its body is, if there is space for it."""
        if job.slot is None and self._requests is not None:
            job.place_body(self._requests)
        if job.slot is None:
            return job.payload, 0
        return job.payload + job.slot.place, frames.IN_ARENA

    def answer(self, place: bytes) -> memoryview | None:
        """Return the body of an answer that lies in the worker's arena; None if it does not."""
        with contextlib.suppress(arenas.ArenaError):
            return self._answers.part(place) if self._answers is not None else None
        return None

    def keep(self, job: Job) -> None:
        """Keep the body of a failed request until nobody can read it any more: its worker may not be gone yet."""
        if job.slot is not None:
            self._orphans.append(job.slot)
            job.slot = None

    def free(self) -> None:
        """Free what was kept: the worker's process is gone for certain."""
        for slot in self._orphans:
            slot.free()
        self._orphans.clear()
