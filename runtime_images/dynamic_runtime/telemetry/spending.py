"""What the backends have cost so far, where the price of a second may change while they are held.

Whoever asks, asks often: the time since the last question costs what a second costs now.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from runtime_images.node.watch import Now
from runtime_images.policy.model import Backend, Prices


@dataclass(eq=False)
class Spending:
    """The sum over both backends, in the currency of `prices`, which count where `node` has none of its own."""

    prices: Prices
    node: Callable[[], Now]
    _spent: float = 0.0
    _held_s: dict[Backend, float] = field(default_factory=lambda: dict.fromkeys(Backend, 0.0))

    def by(self, held_s: Mapping[Backend, float]) -> float:
        """Return the cost of having held each backend for so long in all."""
        stretch = self.node().stretch
        for backend, seconds in held_s.items():
            per_second = stretch.per_second(backend, self.prices.per_second(backend))
            self._spent += (seconds - self._held_s[backend]) * per_second
            self._held_s[backend] = seconds
        return self._spent
