"""How many lines a process may have in the log: each costs the front, which all clients wait for, some time.

Pure: moments in, lines out. What is beyond the quota is counted, and its end kept: it may say why a process died.
"""

from collections import deque
from collections.abc import Sequence

LINES_A_SECOND = 20_000
"""More than a busy function prints for its requests, and a fifth of a processor for the front."""

_LAST_LINES = 30


class LineQuota:
    """Lets so many lines of one output pass in each second."""

    def __init__(self) -> None:
        self._second = 0
        self._passed = 0
        self._left_out = 0
        self._last: deque[bytes] = deque(maxlen=_LAST_LINES)

    def take(self, lines: Sequence[bytes], now_s: float) -> Sequence[bytes]:
        """Return those of the lines that pass; before the first of a new second, how many of the last did not."""
        told: list[bytes] = []
        if int(now_s) != self._second:
            told = self._notice(self._left_out)
            self._second, self._passed, self._left_out = int(now_s), 0, 0
            self._last.clear()
        passing = lines[: max(0, LINES_A_SECOND - self._passed)]
        self._passed += len(passing)
        if len(passing) < len(lines):
            self._left_out += len(lines) - len(passing)
            self._last.extend(lines[max(len(passing), len(lines) - _LAST_LINES) :])
        return [*told, *passing] if told else passing

    @property
    def holds_back(self) -> bool:
        """Whether there are last lines to be told, should no more come."""
        return bool(self._last)

    def flush(self) -> list[bytes]:
        """Return how many lines are missing and the last ones: the output has ended, or paused."""
        lines = [*self._notice(self._left_out - len(self._last)), *self._last]
        self._left_out = 0
        self._last.clear()
        return lines

    @staticmethod
    def _notice(lines: int) -> list[bytes]:
        text = f"{lines} lines were left out here: the log takes {LINES_A_SECOND} a second of each output"
        return [text.encode()] if lines > 0 else []
