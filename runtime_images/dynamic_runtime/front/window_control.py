"""How many requests to give a worker at once: learned from its answers, not configured. Pure: numbers in, a number out.

A worker that serves one request after the other gets about a millisecond of work ahead: the rest waits in the front,
where a switch can still send it to the better backend. One whose requests overlap gets more as long as it takes them;
a stream that has begun counts no more, for it may last as long as its client listens, and neither does a WebSocket.
Declared concurrency is taken at its word: there each of them takes one of the places.
"""

from runtime_images.dynamic_runtime.wire.in_flight import SLOTS

AHEAD_NS = 1_000_000
MAX_WINDOW = 256
_LONG_NS = 10_000_000  # a service time beside which the few microseconds between two requests do not matter
_KEPT = 0.8
_OVERLAP_KEPT = 0.6
_COMPARED_LEAST = 2
_LEARNED_AT_ONCE = 16
"""From so many short answers the window is learned at once: for each of them that would cost more than a good deal
of their way through the front."""

FIRST_WINDOW = 16  # for a worker that may overlap its requests, until its answers show whether it does


class Window:
    """The adaptive window of one worker: `credit` is how many requests it may have, 0 once it is closed.

    `ended_ns` is when the last of its answers ended.
    """

    def __init__(self, concurrency: int) -> None:
        self.ended_ns = 0
        self._size = float(min(concurrency or 1, MAX_WINDOW))
        self._concurrency = concurrency
        self._streams = self._sockets = 0
        self._adaptive = False
        self._service_ns = 0.0
        self._overlap = 1.0
        self._compared = 0
        self._new_answers = self._new_ns = self._new_compared = self._new_overlapping = 0  # not yet learned from
        self._closed = False
        self._set_credit()

    def _set_credit(self) -> None:
        free = int(self._size) + (self._streams if self._adaptive else -self._sockets)
        self.credit = 0 if self._closed else min(SLOTS - self._sockets, free)

    def close(self) -> None:
        """Give no more credit: the worker is gone."""
        self._closed = True
        self._set_credit()

    @property
    def slots(self) -> int:
        """How many requests the function serves at once: as declared, else as its answers have shown; 1 until then."""
        overlaps = self._adaptive and self._compared >= _COMPARED_LEAST and self._overlap > 0.5
        return int(self._size) if overlaps else self._concurrency or 1

    def start(self, *, blocking: bool, threads: int = 1) -> None:
        """Begin for a ready worker; one that is `blocking` serves no more requests at once than its concurrency.

        `threads` is that where none is declared.
        """
        self._adaptive = not blocking and not self._concurrency
        if blocking and not self._concurrency and threads > 1:
            self._concurrency = threads
            self._size = float(min(threads, MAX_WINDOW))
            self._set_credit()
        if self._adaptive:
            self._size = FIRST_WINDOW
            self._set_credit()

    def stream_begun(self) -> None:
        self._streams += 1
        self._set_credit()

    def stream_ended(self) -> None:
        self._streams -= 1
        self._set_credit()

    def socket_opened(self) -> None:
        self._sockets += 1
        self._set_credit()

    def socket_ended(self) -> None:
        self._sockets -= 1
        self._set_credit()

    def learn(self, answers: int, service_ns: int, overlapping: int, ended_ns: int, left: int) -> None:
        """Learn from answers that came at once.

        `service_ns` is what they took together, `overlapping` how many of them were begun before the one before them
        had ended, `ended_ns` when the last one ended, `left` how many requests the worker still has.
        """
        self.ended_ns = ended_ns
        self._new_answers += answers
        self._new_ns += service_ns
        if left:
            self._new_compared += answers
            self._new_overlapping += overlapping
        if self._new_answers >= _LEARNED_AT_ONCE or self._new_ns >= AHEAD_NS:
            self._adapt(left)

    def _adapt(self, left: int) -> None:
        answers, compared = self._new_answers, self._new_compared
        mean_ns = max(1000.0, self._new_ns / answers)
        kept = _KEPT**answers
        self._service_ns = kept * self._service_ns + (1 - kept) * mean_ns if self._service_ns else mean_ns
        if compared:
            self._compared += compared
            kept = _OVERLAP_KEPT**compared
            self._overlap = kept * self._overlap + (1 - kept) * self._new_overlapping / compared
        if self._adaptive and self._overlap > 0.5:
            crowded = left + answers >= self.credit
            self._size = min(MAX_WINDOW, self._size + answers * crowded)
        else:
            # One that may overlap needs two requests to show it.
            at_work = (self._concurrency or 1) + (self._adaptive or self._service_ns < _LONG_NS)
            self._size = min(MAX_WINDOW, at_work + AHEAD_NS / self._service_ns)
        self._new_answers = self._new_ns = self._new_compared = self._new_overlapping = 0
        self._set_credit()
