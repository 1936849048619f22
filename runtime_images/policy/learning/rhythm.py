"""When will the load come next? Jobs run by the clock, so the SLO breaches that they cause begin at equal intervals.

Only a load that is expected can find a GPU ready. One interval is enough to expect the next beginning after as long a
time: a start in vain costs less than one late request. Once an expectation was disappointed, two intervals must agree.
"""

from runtime_images.policy.state import Rhythm

ONSETS_MOST = 3
AGREE = 0.1
TOLERANCE = 0.05
TOLERANCE_S = 4.0
EARLY_S = 3.0


def expected_at(rhythm: Rhythm) -> float | None:
    """Return when a breach is expected to begin next; None where nothing can be said."""
    onsets = rhythm.onsets
    if len(onsets) < 2 or (rhythm.disappointed and not _agrees(onsets)):
        return None
    return 2 * onsets[-1] - onsets[-2]


def interval_s(rhythm: Rhythm) -> float:
    """Return the time between the beginnings of the last two breaches."""
    return rhythm.onsets[-1] - rhythm.onsets[-2] if len(rhythm.onsets) > 1 else 0.0


def note_onset(rhythm: Rhythm, now: float) -> Rhythm:
    """Note that a breach has begun."""
    onsets = (*rhythm.onsets[-ONSETS_MOST + 1 :], now)
    return Rhythm(onsets, rhythm.disappointed and not _agrees(onsets))


def note_silence(rhythm: Rhythm, now: float) -> Rhythm:
    """Note that nothing has begun up to now: an expectation that has passed is a disappointment."""
    expected = expected_at(rhythm)
    if expected is None or now <= expected + tolerance_s(rhythm):
        return rhythm
    return Rhythm(rhythm.onsets[-1:], disappointed=True)


def is_due(rhythm: Rhythm, now: float, lead_s: float) -> bool:
    """Return whether a GPU must be started now to be ready when the next breach is expected to begin."""
    expected = expected_at(rhythm)
    return expected is not None and expected - lead_s - EARLY_S <= now <= expected


def is_near(rhythm: Rhythm, now: float, within_s: float) -> bool:
    """Return whether a breach is expected so soon that it is not worth leaving the GPU."""
    expected = expected_at(rhythm)
    return expected is not None and expected - within_s <= now <= expected + tolerance_s(rhythm)


def was_expected(rhythm: Rhythm, now: float) -> bool:
    """Return whether a breach that begins now was expected to."""
    expected = expected_at(rhythm)
    return expected is not None and abs(now - expected) <= tolerance_s(rhythm)


def tolerance_s(rhythm: Rhythm) -> float:
    """Return how far from its expected beginning a breach may begin."""
    return max(TOLERANCE_S, TOLERANCE * interval_s(rhythm))


def _agrees(onsets: tuple[float, ...]) -> bool:
    if len(onsets) < ONSETS_MOST:
        return False
    before, last = onsets[-2] - onsets[-3], onsets[-1] - onsets[-2]
    return abs(last - before) <= AGREE * max(last, before)
