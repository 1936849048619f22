"""How often the policy is asked, what it is shown and assumes: each number that policy, runtime and simulator share.

A replay of a recorded run makes the same decisions only where the simulator looks as often and as far back as the
runtime does. Times are in seconds.
"""

TICK_S = 0.25
"""Time between two decisions."""

RATE_SPAN_S = 5.0
"""Span over which arrivals are counted: the arrival rate is the mean of that long."""

ANSWERS_KEPT = 512
"""Newest answers of a backend that are kept for the policy, though its SLO window may be longer."""

SHARE_EVERY_S = 1.0
"""Time between two measurements of a backend's CPU share: that of the window event."""

LEAST_BUSY_S = 0.05
"""Busy time below which a measurement says nothing about the CPU share."""

LATE_ALLOWED = 0.05
"""Share of late requests that an SLO on the p95 allows; a failed answer counts as late."""

VIOLATION_GPU_S = 30.0
"""Cost of an avoidable violation beyond the allowed ones, in seconds of GPU."""

CPU_PER_HOUR = 0.1368
GPU_PER_HOUR = 0.4788
"""Prices of a held backend, in US dollars, where nobody says another."""

CLIENT_LEFT = 499
"""The status of a request whose client left its stream, or left and had the function fail by that (nginx's number).

It tells of the client, not of the backend: it is no error, and how long it took is nobody's latency."""

SWITCHED = 101
"""The status of a request that has become a WebSocket, counted at its end: how long that took, both sides liked it."""

NO_ANSWERS = frozenset((CLIENT_LEFT, SWITCHED))
"""What counts as a request, but says nothing of how quickly a backend answers, and is no error."""
