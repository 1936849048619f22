"""Many files, several processes: each worker lints one file at a time, and a worker that fails costs one file.

Processes of its own rather than a pool from the standard library, because those wait for ever, or give up as a whole,
when a worker is killed: by a parser that runs out of stack, or by the kernel for want of memory. Here the file becomes
a finding, and so does one that takes beyond all measure; a new worker goes on with the rest.
"""

import gc
import os
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext

from analyzers.findings import Finding, Place, Signal
from analyzers.linting import GC_THRESHOLD, FileResult, Linted
from analyzers.tree import Tree

LONGEST_S = 120.0
"""The most expensive file of a million lines takes a second; what takes this long will not end."""
FILES_A_WORKER = 2000
"""Then a worker is replaced: astroid never gives back all of its memory."""
AHEAD = 64
"""How far work may run ahead of a slow file whose result is waited for, in files a process."""


def lint_in_processes(tree: Tree, paths: Sequence[str], processes: int) -> Iterator[Linted]:
    """Lint the files `paths` of `tree` in `processes` processes; results come in the order of `paths`."""
    context = get_context("fork" if hasattr(os, "fork") else "spawn")
    if hasattr(os, "fork"):
        _load()  # once, for all of them
    workers = [_Worker(context, tree.root) for _ in range(min(processes, len(paths)))]
    try:
        yield from _in_order(workers, paths)
    finally:
        for worker in workers:
            worker.stop()


def _in_order(workers: "list[_Worker]", paths: Sequence[str]) -> Iterator[Linted]:
    done: dict[int, Linted] = {}
    given = answered = 0
    while answered < len(paths):
        for worker in workers:
            if worker.index is None and given < min(len(paths), answered + AHEAD * len(workers)):
                worker.give(given, paths[given])
                given += 1
        for worker in _finished(workers):
            index, linted = worker.take()
            done[index] = linted
        while answered in done:
            yield done.pop(answered)
            answered += 1


def _finished(workers: "list[_Worker]") -> "list[_Worker]":
    """The workers that have an answer, are dead or have taken too long; waits until there is one."""
    busy = [worker for worker in workers if worker.index is not None]
    left = max(min(worker.until for worker in busy) - time.monotonic(), 0.0)
    ready = wait([worker.connection for worker in busy], left)
    now = time.monotonic()
    return [worker for worker in busy if worker.connection in ready or worker.until <= now]


class _Worker:
    """A process that lints, the file that it is at and the time at which it is given up."""

    def __init__(self, context: BaseContext, root: str) -> None:
        self._context = context
        self._root = root
        self._path = ""
        self.index: int | None = None
        self.until = 0.0
        self._start()

    def _start(self) -> None:
        self.connection, theirs = self._context.Pipe()
        self._process = self._context.Process(target=_work, args=(self._root, theirs), daemon=True)  # type: ignore[attr-defined] # every context has it
        self._process.start()
        theirs.close()
        self._files = 0

    def give(self, index: int, path: str) -> None:
        """Let it lint the file `path`, the one with the number `index`."""
        if self._files >= FILES_A_WORKER:
            self.stop()
            self._start()
        self.index, self._path, self.until = index, path, time.monotonic() + LONGEST_S
        self._files += 1
        self.connection.send(path)

    def take(self) -> tuple[int, Linted]:
        """Its answer, or a finding that says why there is none; then it is free again."""
        assert self.index is not None
        index, self.index = self.index, None
        try:
            if self.connection.poll():
                linted: Linted = self.connection.recv()
                return index, linted
            code, problem = "GA905", f"took longer than {LONGEST_S:.0f} s"
        except (EOFError, OSError):
            code, problem = (
                "GA904",
                "ended the process that analyzed it: too deep for its stack or too large for memory",
            )
        self.stop()
        self._start()
        failure = Finding(code, Place(self._path, 1), f"the file {problem}", 0.0, Signal.FAILURE)
        return index, Linted(FileResult(self._path, (failure,)))

    def stop(self) -> None:
        """End the process, whatever it is at."""
        self.connection.close()
        self._process.kill()
        self._process.join()


def _load() -> None:
    """Import what linting takes, so that a forked worker need not."""
    import analyzers.one_file
    import analyzers.rules.hygiene  # noqa: F401 -- loaded here for the workers

    gc.collect()
    gc.freeze()


def _work(root: str, connection: Connection) -> None:
    """What a worker does: a path in, a result out, until nobody asks any more."""
    from analyzers.neighbours import Library
    from analyzers.one_file import lint_file

    gc.set_threshold(*GC_THRESHOLD)
    library = Library(Tree(root))
    try:
        while True:
            connection.send(lint_file(library, connection.recv()))
    except (EOFError, OSError, KeyboardInterrupt):
        os._exit(0)  # nothing is left to be put in order, and taking the nodes apart would take long
