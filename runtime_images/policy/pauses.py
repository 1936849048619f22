"""How long a backend that has failed is left alone: pauses that double with each failure in a row, and are bounded.

Short ones where requests wait for this very backend, long ones where the other one serves meanwhile. The policy, the
runtime and the simulator of the command line keep to the same ones.
"""

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0
"""The pauses while requests wait for the backend."""

FIRST_SWITCH_PAUSE_S = 5.0
LONGEST_SWITCH_PAUSE_S = 600.0
"""The pauses before a switch is tried again while the other backend serves: no hurry there."""


def restart_pause_s(failures: int) -> float:
    """Return the pause after so many failures in a row, while requests wait; none after a healthy life."""
    return doubling_s(FIRST_PAUSE_S, LONGEST_PAUSE_S, failures) if failures else 0.0


def switch_pause_s(failures: int) -> float:
    """Return the pause after so many failures in a row, while the other backend serves."""
    return doubling_s(FIRST_SWITCH_PAUSE_S, LONGEST_SWITCH_PAUSE_S, max(failures, 1))


def doubling_s(first_s: float, longest_s: float, failures: int) -> float:
    """Return a pause of `first_s` after one failure, twice as long after each more, and never over `longest_s`."""
    return min(longest_s, first_s * 2.0 ** (min(failures, 64) - 1))
