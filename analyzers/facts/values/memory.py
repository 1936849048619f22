"""Values evaluated once, in code whose names may all depend on each other."""

from collections.abc import Callable

from analyzers.facts.model import OneOf, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast

_NOTHING = OneOf(())


class Memory:
    """What has been evaluated, and what is being evaluated now, by the identity of a binding or a function."""

    def __init__(self) -> None:
        self._active: set[int] = set()
        self._known: dict[int, Value] = {}
        self.get = self._known.get
        self._provisional: dict[int, Value] = {}
        self._links: dict[int, Value] = {}
        self._cuts = 0

    @property
    def depth(self) -> int:
        """The number of values that are being evaluated, one for the other."""
        return len(self._active)

    def once(self, key: int, compute: Callable[[], Value]) -> Value:
        """Return what `compute` gives, evaluated once.

        A name that is defined by itself, as in `x = x + 1`, adds nothing to its own value. Inside such a cycle values
        may be cut short, so they are kept for the evaluation under way and computed again by the next: that keeps
        code whose names all depend on each other linear.
        """
        if key in self._known:
            return self._known[key]
        if key in self._active:
            self._cuts += 1
            return _NOTHING
        if key in self._provisional:
            self._cuts += 1
            return self._provisional[key]
        cuts = self._cuts
        self._active.add(key)
        try:
            value = compute()
        finally:
            self._active.discard(key)
            if not self._active:
                self._provisional.clear()
        whole = cuts == self._cuts or not self._active
        (self._known if whole else self._provisional)[key] = value
        return value

    def link(self, node: "ast.expr", compute: Callable[[], Value]) -> Value:
        """Return what `compute` gives for an expression of the file, evaluated once."""
        key = id(node)
        value = self._links.get(key)
        if value is None:
            value = self._links[key] = compute()
        return value
