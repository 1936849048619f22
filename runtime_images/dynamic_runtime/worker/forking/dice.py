"""Random numbers that are new in each forked worker, as they are in processes of their own.

Whatever the libraries have imported ahead draw from was seeded once, in the zygote: all workers would draw the same
names, ids and samples. What was seeded by chance is seeded anew in each worker. What a library has seeded with a number
of its own stays, for it is meant to be the same everywhere. Python's own `random.random()` seeds itself after a fork.
"""

import contextlib
import gc
import random
import sys
import weakref
from types import TracebackType
from typing import Any, Self

_CHANCE_BITS = 64
"""NumPy seeds itself with a number of 128 bits; nobody writes one down that is half as long."""


class Dice:
    """Watches, while it is entered, which generators are seeded by chance; `throw` seeds those anew."""

    def __init__(self) -> None:
        self._generators: weakref.WeakSet[random.Random] = weakref.WeakSet()
        self._bits: list[Any] = []

    def __enter__(self) -> Self:
        own_seed, generators = random.Random.seed, self._generators

        def seed(self: random.Random, a: Any = None, version: int = 2) -> None:  # noqa: ANN401 -- as random has it
            own_seed(self, a, version)
            (generators.add if a is None else generators.discard)(self)

        self._own_seed = own_seed
        random.Random.seed = seed  # type: ignore[method-assign]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        random.Random.seed = self._own_seed  # type: ignore[method-assign]
        self._bits = _bits_of_numpy()

    def throw(self) -> None:
        """Seed by chance what was seeded so before."""
        for generator in list(self._generators):
            with contextlib.suppress(Exception):  # a subclass may have no use for seeds
                generator.seed()
        for bits in self._bits:
            bits.state = type(bits)().state
        with contextlib.suppress(Exception):  # whatever a library has put under these names
            if (numpy := sys.modules.get("numpy.random")) is not None:
                numpy.seed()
            if (torch := sys.modules.get("torch")) is not None:
                torch.default_generator.seed()  # that of the CPU: a GPU's is made in each worker


def _bits_of_numpy() -> list[Any]:
    """Return the sources of NumPy's generators that exist, and were seeded by chance."""
    numpy = sys.modules.get("numpy.random")
    kind = getattr(numpy, "BitGenerator", None)
    if kind is None:
        return []
    with contextlib.suppress(Exception):  # a library's classes may raise when they are asked for theirs
        return [one for one in gc.get_objects() if issubclass(type(one), kind) and _by_chance(one)]
    return []


def _by_chance(bits: Any) -> bool:  # noqa: ANN401
    entropy = getattr(getattr(bits, "seed_seq", None), "entropy", None)
    return isinstance(entropy, int) and entropy.bit_length() > _CHANCE_BITS
