"""Passes over the functions that are due: see, decide, order. Most functions of a cluster are at rest.

A function is due when something of it has changed, and at its beat: often while a switch is under way, each second
while it is asked, seldom while it has no pods. So a thousand idle functions cost next to nothing, and a lost GPU is
answered at once. Orders of one function are carried out one after the other, those of several side by side: a webhook
that hangs for one keeps none waiting.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from runtime_images.cluster.errors import ClusterError
from runtime_images.controller.cluster import Cluster
from runtime_images.controller.deciding.actions import Action, FunctionState, Moment, Move, Tell, Word
from runtime_images.controller.deciding.machine import step
from runtime_images.controller.deciding.memory import anew, remember
from runtime_images.controller.deciding.sight import Seen
from runtime_images.controller.deciding.weighing import fresh
from runtime_images.controller.observing import Asked, Key, Measurement, Observer
from runtime_images.controller.performing import NotLeadingError, Performer
from runtime_images.controller.telemetry import Metrics
from runtime_images.policy.pauses import restart_pause_s

SWITCHING_BEAT_S, SERVING_BEAT_S, QUIET_BEAT_S, RESTING_BEAT_S = 0.25, 1.0, 5.0, 30.0
"""How often a function is looked at though nothing of it has changed: in a switch, under load, with pods, without."""
QUIET_S = 10.0
"""How long nobody must have asked a function that has pods, to be looked at less often."""
TOGETHER_S = 0.02
"""How long a pass waits for changes that come together: a move changes several objects."""
MEASURING_MOST_S = 2.0
"""An observer that takes longer is not waited for: what it measures is unknown in this pass."""

STATES = ("at_rest", "switching", "held", "paused", "unknown")
"""What may be said of a function in the metric that counts them."""

_LOG = logging.getLogger(__name__)
_OUTCOMES = {Word.ROLLED_BACK: "rolled_back", Word.FAILED: "failed", Word.GIVEN_UP: "given_up"}


@dataclass(eq=False)
class Passes:
    """The functions of a cluster, what is remembered of each, when each is due; `busy` ones have orders under way."""

    cluster: Cluster
    observer: Observer
    performer: Performer
    metrics: Metrics
    leads: Callable[[], bool]
    clock: Callable[[], float]
    wall: Callable[[], float]
    last_pass: float = 0.0
    _states: dict[Key, FunctionState] = field(default_factory=dict)
    _doing: dict[Key, str] = field(default_factory=dict)
    _due: dict[Key, float] = field(default_factory=dict)
    busy: set[Key] = field(default_factory=set)
    _measured_at: dict[Key, float] = field(default_factory=dict)
    _troubles: dict[Key, int] = field(default_factory=dict)
    _not_before: dict[Key, float] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def changed(self, key: Key) -> None:
        """Note that something of a function has changed."""
        self._due[key] = self._not_before.get(key, 0.0)
        self._wake.set()

    async def run(self) -> None:
        """Make passes until cancelled, as long as this process leads."""
        await self.cluster.synced()
        while True:
            if self.leads():
                await self.once(self._those_due())
            else:
                self._forget()
            self.last_pass = self.clock()
            await self._until_next()

    async def once(self, keys: Iterable[Key]) -> None:
        """Make one pass over these functions."""
        at, began = Moment(self.clock(), self.wall()), time.perf_counter()
        seen = {}
        for key in keys:
            with self._apart(key):
                if (one := self._look(key)) is not None:
                    seen[key] = one
        measured = await self._measure(list(seen.values()), at.now)
        for key, one in seen.items():
            with self._apart(key):
                self._step(replace(one, measurement=fresh(measured.get(key), at.now)), at)
        if seen:
            self._count(seen, measured, at.now)
            self.metrics.pass_s.observe(time.perf_counter() - began)

    def _forget(self) -> None:
        """Know nothing of any function: another process leads, and this one's numbers are no longer so."""
        for kept in (self._states, self._doing, self._measured_at):
            kept.clear()
        self._count({}, {}, self.clock())

    async def idle(self) -> None:
        """Wait until every order that was given is carried out."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _those_due(self) -> list[Key]:
        now = self.clock()
        return [key for key, due in self._due.items() if due <= now and key not in self.busy]

    def _look(self, key: Key) -> Seen | None:
        seen = self.cluster.seen(key)
        if seen is None:
            for kept in (
                self._states, self._doing, self._due, self._troubles, self._not_before, self._measured_at
            ):  # fmt: skip
                kept.pop(key, None)
        return seen

    async def _measure(self, seen: Sequence[Seen], now: float) -> Mapping[Key, Measurement]:
        asked = [
            Asked(one.key, one.settings, {b: s.revision for b, s in one.sides.items() if s.revision}) for one in seen
        ]
        try:
            async with asyncio.timeout(MEASURING_MOST_S):
                return await self.observer.measure(asked, now) if asked else {}
        except (TimeoutError, ClusterError) as error:
            _LOG.warning("nothing was measured: %s", str(error) or f"it took longer than {MEASURING_MOST_S:.0f} s")
            return {}

    def _count(self, seen: Mapping[Key, Seen], measured: Mapping[Key, Measurement], now: float) -> None:
        counts = Counter(self._doing.values())
        for state in STATES:
            self.metrics.functions.labels(state).set(counts[state])
        for key, one in seen.items():
            if not _has_pods(one):
                self._measured_at.pop(key, None)
            elif key in measured:
                self._measured_at[key] = measured[key].at
            else:
                self._measured_at.setdefault(key, now)
        self.metrics.observation_age_s.set(max([now - at for at in self._measured_at.values()], default=0.0))

    def _step(self, seen: Seen, at: Moment) -> None:
        key = seen.key
        before = self._states.get(key) or remember(seen, at)
        self._states[key] = anew(seen)  # if what is remembered cannot be reckoned with, the next pass has none of it
        state, actions = step(before, seen, at)
        self._states[key] = state
        self._doing[key] = _doing(state, seen)
        self._due[key] = at.now + _beat_s(state, seen)
        if state.would is not None and state.would is not before.would:
            self.metrics.decisions.labels(state.would.rule).inc()
        if actions:
            self.busy.add(key)
            task = asyncio.create_task(self._carry_out(seen, actions))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @contextmanager
    def _apart(self, key: Key) -> Iterator[None]:
        """Let what goes wrong with one function be no trouble of the others."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 -- whatever it is: a thousand others are served meanwhile
            _LOG.exception("a pass over %s/%s failed", *key)
            self._stumble(key, error)

    async def _carry_out(self, seen: Seen, actions: Sequence[Action]) -> None:
        key = seen.key
        try:
            with self._apart(key):
                await self._orders(seen, actions)
        finally:
            self.busy.discard(key)
            self.changed(key)

    async def _orders(self, seen: Seen, actions: Sequence[Action]) -> None:
        try:
            for action in actions:
                await self._order(action, seen)
            self._troubles.pop(seen.key, None)
            self._not_before.pop(seen.key, None)
        except NotLeadingError:
            _LOG.info("stopped in the middle of a switch: another process leads", extra=_said(seen))
        except ClusterError as error:
            self._stumble(seen.key, error)

    async def _order(self, action: Action, seen: Seen) -> None:
        route = self.cluster.route(seen.key)
        if route is None:
            return
        _LOG.info("order", extra=_said(seen, action))
        try:
            written = await self.performer.perform(action, seen, route)
        except NotLeadingError:
            raise
        except ClusterError:
            self.metrics.errors.labels(type(action).__name__.lower()).inc()
            raise
        if written is not None:
            self.cluster.take(written)
        if isinstance(action, Tell) and not action.once:
            outcome = _OUTCOMES.get(action.word, "done")
            self.metrics.switches.labels(*seen.key, action.backend.value, action.rule, outcome).inc()

    def _stumble(self, key: Key, error: Exception) -> None:
        times = self._troubles[key] = self._troubles.get(key, 0) + 1
        pause_s = restart_pause_s(times)
        self._due[key] = self._not_before[key] = self.clock() + pause_s
        _LOG.warning("%s/%s: next try in %.1f s: %s", *key, pause_s, error)

    async def _until_next(self) -> None:
        """Wait for the next change, or until the next function is due; a second at most."""
        now = self.clock()
        next_due = min((due for key, due in self._due.items() if key not in self.busy), default=now + SERVING_BEAT_S)
        wait_s = min(max(next_due - now, 0.0), SERVING_BEAT_S) if self.leads() else SERVING_BEAT_S
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()
        await asyncio.sleep(TOGETHER_S)


def _doing(state: FunctionState, seen: Seen) -> str:
    """Return what the controller does with a function, in the words of its metric."""
    if seen.paused or not seen.holder.is_gaia:
        return "paused" if seen.paused else "held"
    if state.switch is not None:
        return "switching"
    return "unknown" if seen.measurement is None else "at_rest"


def _beat_s(state: FunctionState, seen: Seen) -> float:
    if state.switch is not None:
        return SWITCHING_BEAT_S
    known, has_pods = seen.measurement, _has_pods(seen)
    if known is not None and (known.arrival_rate > 0 or (has_pods and known.idle_s < QUIET_S)):
        return SERVING_BEAT_S
    return QUIET_BEAT_S if has_pods or state.lost else RESTING_BEAT_S


def _has_pods(seen: Seen) -> bool:
    return any(side.running for side in seen.sides.values())


def _said(seen: Seen, action: Action | None = None) -> dict[str, dict[str, str]]:
    """Return what a line of the log says of a function, and of an order."""
    said = {"namespace": seen.key[0], "function": seen.key[1]}
    match action:
        case Move(split):
            said |= {"order": "move", "traffic": ", ".join(f"{backend} {share}" for backend, share in split.items())}
        case Tell(word, note):
            said |= {"order": "tell", "word": word.value, "reason": note}
        case None:
            pass
        case _:
            said |= {"order": type(action).__name__.lower(), "backend": action.backend.value}
    return {"said": said}
