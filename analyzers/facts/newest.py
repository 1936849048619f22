"""The newest of many things, as many as fit into a number of characters: what is made of text takes memory like it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generic, TypeVar

    T = TypeVar("T")
else:
    T, Generic = None, {None: object}  # a hook has no time to load the real ones


class Newest(Generic[T]):
    """Things by key, each made of a text; those that were asked for last stay, up to `most_characters` of text."""

    def __init__(self, most_characters: int) -> None:
        self._most = most_characters
        self._things: dict[str, tuple[T, int]] = {}
        self._characters = 0

    def __contains__(self, key: str) -> bool:
        return key in self._things

    def get(self, key: str) -> "T | None":
        """Return what is kept under `key`, None where nothing is."""
        if key not in self._things:
            return None
        self._things[key] = found = self._things.pop(key)  # now it is the newest
        return found[0]

    def keep(self, key: str, thing: "T", characters: int) -> None:
        """Keep `thing` under `key`, and as many of the others as fit beside it."""
        self._drop(key)
        while self._things and self._characters + characters > self._most:
            self._drop(next(iter(self._things)))
        self._things[key] = (thing, characters)
        self._characters += characters

    def _drop(self, key: str) -> None:
        _, characters = self._things.pop(key, (None, 0))
        self._characters -= characters
