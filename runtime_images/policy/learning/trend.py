"""Where is the CPU's latency going? A straight line through a few moments, believed only where they lie close to it.

A GPU takes time to start. A latency that will have passed the SLO by then needs one now, but noise is no trend: the
line's lower bound at that time must lie over the SLO.
"""

from collections.abc import Sequence
from math import sqrt

MOMENTS = 12
MOMENTS_LEAST = 6
SPACED = 8.0
DEVIATIONS = 3.0
UNDER_WAY = 0.5
STEADY = 0.5

Trend = tuple[tuple[float, float], ...]


def note(trend: Trend, now: float, seconds: float, start_up_s: float) -> Trend:
    """Add the latency `seconds` at `now`; the moments kept span one and a half start-up times, or are the last few."""
    if trend and now - trend[-1][0] < start_up_s / SPACED:
        return trend
    return (*trend[-MOMENTS + 1 :], (now, seconds))


def rises_over(trend: Trend, limit_s: float, at: float) -> bool:
    """Return whether the line through `trend` is over `limit_s` at the time `at`, even at its lower bound."""
    if len(trend) < MOMENTS_LEAST or trend[-1][1] < UNDER_WAY * limit_s or trend[-1][1] <= trend[0][1]:
        return False
    until = min(at, 2 * trend[-1][0] - trend[0][0])  # no farther ahead than it has been watched
    return lower_bound_s(trend, until) > limit_s and _keeps_rising(trend)


def _keeps_rising(trend: Trend) -> bool:
    """Return whether the later half rises, too: a step from one level to another is no trend."""
    half = len(trend) // 2
    (begun, low_s), (turned, middle_s), (ended, high_s) = trend[0], trend[half], trend[-1]
    return (high_s - middle_s) / (ended - turned) > STEADY * (high_s - low_s) / (ended - begun)


def lower_bound_s(trend: Sequence[tuple[float, float]], at: float) -> float:
    """Return the least-squares line at `at`, less three standard errors of its prediction there."""
    count = len(trend)
    mean_at = sum([moment for moment, _ in trend]) / count
    mean_s = sum([seconds for _, seconds in trend]) / count
    spread = sum([(moment - mean_at) ** 2 for moment, _ in trend])
    slope = sum([(moment - mean_at) * (seconds - mean_s) for moment, seconds in trend]) / spread
    left = sum([(seconds - mean_s - slope * (moment - mean_at)) ** 2 for moment, seconds in trend])
    error_s = sqrt(left / (count - 2)) * sqrt(1 / count + (at - mean_at) ** 2 / spread)
    return mean_s + slope * (at - mean_at) - DEVIATIONS * error_s
