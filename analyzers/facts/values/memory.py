"""Values evaluated once, in code whose names may all depend on each other.

A name may be defined by itself, as in `x = x + 1`, also by way of many others. Where an evaluation comes back to a
value that it is in the middle of, it is cut short there, and what was found on the way may lack something. Once the
whole is known, each of these values is evaluated again from the others: so they hardly depend on which of them was
asked for first, and each is evaluated a few times at most.
"""

from collections.abc import Callable, Hashable

from analyzers.facts.model import OneOf, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from typing import Any, TypeVar

    _T = TypeVar("_T")

NOTHING: Value = OneOf(())
"""What a name adds to its own value."""
_ROUNDS = 2
"""How often values that depend on each other are evaluated again: more is found only where they grow without end."""


class Memory:
    """What has been evaluated, and what is being evaluated now, by the identity of a binding, a function or a test."""

    def __init__(self) -> None:
        self._active: set[Hashable] = set()
        self._known: dict[Hashable, Any] = {}
        self.get = self._known.get
        self._provisional: dict[Hashable, tuple[Any, Callable[[], Any]]] = {}
        self._links: dict[int, Value] = {}
        self._cuts = 0

    @property
    def depth(self) -> int:
        """The number of values that are being evaluated, one for the other."""
        return len(self._active)

    def cut(self) -> None:
        """Note that what is being evaluated is cut short."""
        self._cuts += 1

    def once(self, key: Hashable, compute: "Callable[[], _T]", within: "_T") -> "_T":
        """Return what `compute` gives, evaluated once; `within` is what it is while it is being evaluated."""
        if key in self._known:
            known: _T = self._known[key]
            return known
        if key in self._active:
            self._cuts += 1
            return within
        if key in self._provisional:
            self._cuts += 1
            found: _T = self._provisional[key][0]
            return found
        cuts = self._cuts
        value = self._computed(key, compute)
        if cuts == self._cuts:
            self._known[key] = value
            return value
        self._provisional[key] = (value, compute)
        if self._active:
            return value
        self._settle()
        settled: _T = self._known[key]
        return settled

    def _computed(self, key: Hashable, compute: "Callable[[], _T]") -> "_T":
        self._active.add(key)
        try:
            return compute()
        except BaseException:  # which ends all that is being evaluated
            self._provisional.clear()
            raise
        finally:
            self._active.discard(key)

    def _settle(self) -> None:
        """Make what was cut short known, each value from the others; once more where it is another one then."""
        for _ in range(_ROUNDS):
            again, self._provisional = self._provisional, {}
            self._known |= {key: value for key, (value, _) in again.items()}
            changed = {}
            for key, (before, compute) in again.items():
                value = self._anew(key, compute)
                if self._provisional:  # it leads to more that was cut short, as too deep: that comes first
                    self._settle()
                    value = self._anew(key, compute)
                if value != before:
                    changed[key] = (value, compute)
            self._provisional = changed
        self._provisional = {}

    def _anew(self, key: Hashable, compute: "Callable[[], _T]") -> "_T":
        del self._known[key]
        value = self._computed(key, compute)
        self._known[key] = value
        return value

    def link(self, node: "ast.expr", compute: Callable[[], Value]) -> Value:
        """Return what `compute` gives for an expression of the file, evaluated once."""
        key = id(node)
        value = self._links.get(key)
        if value is None:
            value = self._links[key] = compute()
        return value
