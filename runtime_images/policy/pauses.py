"""How long a backend that has failed is left alone: pauses that double with each failure in a row, and are bounded.

Short ones where requests wait for this very backend, long ones where the other one serves meanwhile. The runtime and
the simulator of the command line keep to the same ones.
"""

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0
"""The pauses while requests wait for the backend."""

FIRST_SWITCH_PAUSE_S = 5.0
LONGEST_SWITCH_PAUSE_S = 600.0
"""The pauses before a switch is tried again while the other backend serves: no hurry there."""


def restart_pause_s(failures: int) -> float:
    """The pause after so many failures in a row, while requests wait; none after a healthy life."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (min(failures, 64) - 1)) if failures else 0.0


def switch_pause_s(failures: int) -> float:
    """The pause after so many failures in a row, while the other backend serves."""
    return min(LONGEST_SWITCH_PAUSE_S, FIRST_SWITCH_PAUSE_S * 2.0 ** max(0, min(failures, 64) - 1))
