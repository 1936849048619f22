"""Looks for a broken law, seed by seed, and makes the schedule that breaks it as small as it gets."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.universe.generator import make
from tests.universe.laws import LawBrokenError
from tests.universe.schedule import Schedule, plainer, without
from tests.universe.world import World

_SCHEDULE_FIELDS = (
    "mode", "idempotent", "judged", "concurrency", "queue_size", "request_timeout_s", "drain_timeout_s",
    "memory_bytes", "connections", "arena_bytes", "lazy", "worker_late_s", "worker_pieces",
)  # fmt: skip
_CLIENT_FIELDS = ("late_s", "pieces", "capacity")
_STEP_FIELDS = ("act", "method", "size", "framing", "pieces", "pause_s", "answer_bytes", "service_s", "seconds")
_UPSET_FIELDS = ("which", "seconds")


@dataclass(frozen=True)
class Found:
    """A schedule that breaks a law, and which law."""

    schedule: Schedule
    law: str

    @property
    def kind(self) -> str:
        """What breaches have in common that are of one fault, as far as words tell."""
        return re.sub(r"\d+|\(.*?\)", "", self.law)[:40]


def broken_law(schedule: Schedule) -> str:
    """Let a schedule happen; return which law it breaks, if any."""
    try:
        World(schedule).run()
    except LawBrokenError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it must not be
        return f"{type(error).__name__}: {error}"
    return ""


def search(seeds: Iterator[int], goes_on: Callable[[], bool]) -> tuple[int, Found | None]:
    """Try one seed after the other; return how many, and the first that breaks a law."""
    tried = 0
    for seed in seeds:
        if not goes_on():
            break
        tried += 1
        schedule = make(seed)
        if law := broken_law(schedule):
            return tried, Found(schedule, law)
    return tried, None


def shrunk(found: Found, seconds: float) -> Found:
    """Return the smallest schedule that is found in so many seconds and breaks the same law."""
    until_s = time.monotonic() + seconds
    smaller: Found | None = found
    while smaller is not None:
        found = smaller
        smaller = next((one for one in _tried(found, until_s) if one.kind == found.kind), None)
    return found


def _tried(found: Found, until_s: float) -> Iterator[Found]:
    for schedule in _smaller(found.schedule):
        if time.monotonic() > until_s:
            return
        yield Found(schedule, broken_law(schedule))


def _smaller(schedule: Schedule) -> Iterator[Schedule]:
    """Yield schedules in which less happens, those with much less first."""
    for name in ("clients", "upsets"):
        parts = getattr(schedule, name)
        for share in (2, 4, len(parts)):
            count = max(1, len(parts) // share) if parts else 1
            for start in range(0, len(parts), count):
                fewer: dict[str, Any] = {name: without(parts, start, count)}
                yield replace(schedule, **fewer)
    for place, client in enumerate(schedule.clients):
        for start in range(len(client.steps)):
            yield _with_client(schedule, place, replace(client, steps=without(client.steps, start, 1)))
    yield from plainer(schedule, _SCHEDULE_FIELDS)
    if schedule.length_s > 1.0:
        yield replace(schedule, length_s=schedule.length_s / 2)
    yield from _plainer_actors(schedule)


def _plainer_actors(schedule: Schedule) -> Iterator[Schedule]:
    for place, client in enumerate(schedule.clients):
        for plain in plainer(client, _CLIENT_FIELDS):
            yield _with_client(schedule, place, plain)
        for at, step in enumerate(client.steps):
            for plain in plainer(step, _STEP_FIELDS):
                steps = (*client.steps[:at], plain, *client.steps[at + 1 :])
                yield _with_client(schedule, place, replace(client, steps=steps))
    for place, upset in enumerate(schedule.upsets):
        for plain in plainer(upset, _UPSET_FIELDS):
            yield replace(schedule, upsets=(*schedule.upsets[:place], plain, *schedule.upsets[place + 1 :]))


def _with_client(schedule: Schedule, place: int, client: object) -> Schedule:
    clients = (*schedule.clients[:place], client, *schedule.clients[place + 1 :])
    return replace(schedule, clients=clients)  # type: ignore[arg-type]  # any of the values above
