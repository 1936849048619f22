"""The worst inputs of a regular expression, made from the expression itself.

Python's matcher goes back and tries again wherever a repeat has taken what could be taken otherwise. So the worst
inputs are a beginning of the expression, a long run of what one of its repeats takes, and an end that fails; and, for
searches, that beginning again and again, so that each one starts a long way in vain.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

_OPS: Any = re.__dict__["_constants"]
_PARSER: Any = re.__dict__["_parser"]
"""The standard library's own, without a public name."""
_REPEATS = (_OPS.MAX_REPEAT, _OPS.MIN_REPEAT, _OPS.POSSESSIVE_REPEAT)
_LONG = 20
"""A repeat of fewer is a constant factor."""
_CHARACTERS = "".join(map(chr, range(128))) + "é\u2028"
_KILLERS_MOST = 5
_SIZES = tuple(int(10 * 1.3**step) for step in range(20))
_SUSPECTS = 6
WHOLE = 64 * 1024

Node = tuple[Any, Any]
Family = Callable[[int], str]
"""An input of about so many characters."""


def worst_time(pattern: str | bytes, flags: int, method: str, most_s: float) -> tuple[float, str]:
    """Return the longest processor time that one of the worst inputs of 64 KiB takes, and its beginning.

    Sizes grow from a few characters, and the first input that takes more than `most_s` ends the search.
    """
    run = _runner(pattern, flags, method)
    times: list[tuple[float, Family]] = []
    for family in dict.fromkeys(_families(pattern, flags)):
        spent = 0.0
        for size in _SIZES:
            spent = _least(run, family(size), most_s)
            if spent > most_s:
                return spent, _shown(family(size))
        times.append((spent, family))
    times.sort(key=lambda pair: -pair[0])
    worst = (0.0, "")
    for size in (WHOLE // 16, WHOLE // 4, WHOLE):
        for _, family in times[:_SUSPECTS]:
            worst = max(worst, (_least(run, family(size), most_s), _shown(family(size))))
            if worst[0] > most_s:
                return worst
    return worst


def _runner(pattern: str | bytes, flags: int, method: str) -> Callable[[str], None]:
    compiled: Any = re.compile(pattern, flags)
    ask = partial(compiled.sub, pattern[:0]) if method == "sub" else getattr(compiled, method)

    def run(text: str) -> None:
        found = ask(text if isinstance(pattern, str) else text.encode())
        if method == "finditer":
            deque(found, maxlen=0)

    return run


def _least(run: Callable[[str], None], text: str, most_s: float) -> float:
    """Return the least time of three runs; one that is quick enough, or beyond all doubt too slow, is not repeated."""
    least = float("inf")
    for _ in range(3):
        began = time.process_time()
        run(text)
        least = min(least, time.process_time() - began)
        if not most_s < least < 10 * most_s:
            break
    return least


def _shown(text: str) -> str:
    return f"{text[:60]!r}..."


def _families(pattern: str | bytes, flags: int) -> Iterator[Family]:
    text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    tree = list(_PARSER.parse(text, flags | re.compile(pattern).flags & ~re.UNICODE))
    alphabet = _alphabet(tree)
    killers = ["", *alphabet[:_KILLERS_MOST]]
    for before, body in _repeats(tree, ""):
        taken = [c for c in alphabet if any(_accepts(atom, c) for atom in _atoms(body))] if body else []
        pumps = dict.fromkeys((*taken, _example(body), _example(body, least=1)))
        for pump in filter(None, pumps):
            for killer in killers:
                yield _run_of(before, pump, killer)
            yield _run_of("", before + pump, "")
        for killer in killers if before else ():
            yield _run_of("", before, killer)


@cache
def _run_of(before: str, pump: str, end: str) -> Family:
    return lambda size: before + pump * max(size // len(pump), 1) + end


def _repeats(nodes: list[Node], before: str) -> Iterator[tuple[str, list[Node]]]:
    """Yield what leads to each long repeat, with its body; and to each end of a branch, with nothing."""
    for least in (0, 1):
        so_far = before
        for op, value in nodes:
            if op in _REPEATS:
                _, most, body = value
                if most is _OPS.MAXREPEAT or most >= _LONG:
                    yield so_far, list(body)
                yield from _repeats(list(body), so_far)
            else:
                for inner in _inner((op, value)):
                    yield from _repeats(inner, so_far)
            so_far += _example([(op, value)], least)
        yield so_far, []


def _inner(node: Node) -> list[list[Node]]:
    """Return the sequences inside of a node that is no repeat."""
    op, value = node
    if op is _OPS.SUBPATTERN:
        return [list(value[3])]
    if op is _OPS.ATOMIC_GROUP:
        return [list(value)]
    if op is _OPS.BRANCH:
        return [list(branch) for branch in value[1]]
    if op in (_OPS.ASSERT, _OPS.ASSERT_NOT):
        return [list(value[1])]
    return []


def _example(nodes: list[Node], least: int = 0) -> str:
    """Return a text that `nodes` match, with at least so many turns of each repeat."""
    parts = []
    for op, value in nodes:
        if op in _REPEATS:
            low, most, body = value
            parts.append(_example(list(body), least) * min(max(low, least), most))
        elif op in (_OPS.LITERAL, _OPS.NOT_LITERAL, _OPS.IN, _OPS.ANY):
            parts.append(next((c for c in _PREFERRED if _accepts((op, value), c)), ""))
        elif op not in (_OPS.ASSERT, _OPS.ASSERT_NOT):
            inner = _inner((op, value))
            parts.append(_example(inner[0], least) if inner else "")
    return "".join(parts)


_PREFERRED = "a0 -" + _CHARACTERS


def _atoms(nodes: list[Node]) -> Iterator[Node]:
    """Yield what takes one character, at any depth."""
    for op, value in nodes:
        if op in (_OPS.LITERAL, _OPS.NOT_LITERAL, _OPS.IN, _OPS.ANY):
            yield op, value
        elif op in _REPEATS:
            yield from _atoms(list(value[2]))
        else:
            for inner in _inner((op, value)):
                yield from _atoms(inner)


def _alphabet(tree: list[Node]) -> list[str]:
    """Return a character of each sort that the expression tells apart, first those that it takes nowhere."""
    atoms = list(_atoms(tree))
    sorts: dict[tuple[bool, ...], str] = {}
    for character in _CHARACTERS:
        sorts.setdefault(tuple(_accepts(atom, character) for atom in atoms), character)
    return [character for _, character in sorted(sorts.items())]


def _accepts(atom: Node, character: str) -> bool:
    op, value = atom
    if op is _OPS.ANY:
        return character != "\n"
    if op is _OPS.LITERAL:
        return bool(chr(value) == character)
    if op is _OPS.NOT_LITERAL:
        return bool(chr(value) != character)
    items: list[Node] = value
    negated = items[0][0] is _OPS.NEGATE
    return bool(negated) is not any(_holds(item, character) for item in items[negated:])


def _holds(item: Node, character: str) -> bool:
    op, value = item
    if op is _OPS.LITERAL:
        return bool(chr(value) == character)
    if op is _OPS.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    names = {"SPACE": r"\s", "DIGIT": r"\d", "WORD": r"\w"}
    name: str = str(value).removeprefix("CATEGORY_")
    return (re.match(names[name.removeprefix("NOT_")], character) is not None) is not name.startswith("NOT_")
