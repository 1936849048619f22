"""Many files, several processes: each worker has a few files at hand, and a worker that fails costs one of them.

Processes of its own rather than a pool from the standard library, because those wait for ever, or give up as a whole,
when a worker is killed: by a parser that runs out of stack, or by the kernel for want of memory. Here the file becomes
a finding, and so does one that takes beyond all measure; a new worker goes on with the rest.
"""

import gc
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext

from analyzers.findings import Finding, Place, Signal
from analyzers.linting.engine import GC_THRESHOLD, FileResult, Linted
from analyzers.project.tree import Tree

LONGEST_S = 120.0
"""The most expensive file of a million lines takes a second; what takes this long will not end."""
FILES_A_WORKER = 2000
"""Then a worker is replaced: astroid never gives back all of its memory."""
AT_HAND = 8
"""How many files a worker has been given at a time, so that it never waits for the next one."""
AHEAD = 64
"""How far work may run ahead of a slow file whose result is waited for, in files a process."""

_LOADED = (
    "ast",
    "symtable",
    "analyzers.linting.in_depth",
    "analyzers.linting.one_file",
    "analyzers.rules.behaviour",
    "analyzers.facts.contexts.reading",
)


def lint_in_processes(tree: Tree, paths: Sequence[str], processes: int, *, evidence: bool) -> Iterator[Linted]:
    """Lint the files `paths` of `tree` in `processes` processes; results come in the order of `paths`."""
    context = get_context("fork" if hasattr(os, "fork") else "spawn")
    if hasattr(os, "fork"):
        _load(evidence=evidence)  # once, for all of them
    workers = [_Worker(context, tree.root, evidence=evidence) for _ in range(min(processes, len(paths)))]
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
            while len(worker.pending) < AT_HAND and given < min(len(paths), answered + AHEAD * len(workers)):
                worker.give(given, paths[given])
                given += 1
        for worker in _finished(workers):
            done.update(worker.take())
        while answered in done:
            yield done.pop(answered)
            answered += 1


def _finished(workers: "list[_Worker]") -> "list[_Worker]":
    """The workers that have an answer, are dead or have taken too long; waits until there is one."""
    busy = [worker for worker in workers if worker.pending]
    left = max(min(worker.until for worker in busy) - time.monotonic(), 0.0)
    ready = wait([worker.connection for worker in busy], left)
    now = time.monotonic()
    return [worker for worker in busy if worker.connection in ready or worker.until <= now]


class _Worker:
    """A process that lints, the files that it has been given, and when it is given up over the first of them."""

    def __init__(self, context: BaseContext, root: str, *, evidence: bool) -> None:
        self._context = context
        self._root = root
        self._evidence = evidence
        self.pending: deque[tuple[int, str]] = deque()
        self._start()

    def _start(self) -> None:
        self.connection, theirs = self._context.Pipe()
        work = (self._root, theirs, self._evidence)
        self._process = self._context.Process(target=_work, args=work, daemon=True)  # type: ignore[attr-defined] # every context has it
        self._process.start()
        theirs.close()
        self._files = 0
        self.until = time.monotonic() + LONGEST_S
        for _, path in self.pending:
            self.connection.send(path)

    def give(self, index: int, path: str) -> None:
        """Let it lint the file `path`, the one with the number `index`."""
        if not self.pending:
            self.until = time.monotonic() + LONGEST_S
            if self._files >= FILES_A_WORKER:
                self.stop()
                self._start()
        self.pending.append((index, path))
        self._files += 1
        self.connection.send(path)

    def take(self) -> Iterator[tuple[int, Linted]]:
        """Its answers; where there is none, a finding that says why, and a new process goes on with the rest."""
        try:
            if not self.connection.poll():
                yield self._given_up("GA905", f"took longer than {LONGEST_S:.0f} s")
            while self.pending and self.connection.poll():
                linted: Linted = self.connection.recv()
                self.until = time.monotonic() + LONGEST_S
                yield self.pending.popleft()[0], linted
        except (EOFError, OSError):
            problem = "ended the process that analyzed it: too deep for its stack or too large for memory"
            yield self._given_up("GA904", problem)

    def _given_up(self, code: str, problem: str) -> tuple[int, Linted]:
        index, path = self.pending.popleft()
        self.stop()
        self._start()
        failure = Finding(code, Place(path, 1), f"the file {problem}", 0.0, Signal.FAILURE)
        return index, Linted(FileResult(path, (failure,)))

    def stop(self) -> None:
        """End the process, whatever it is at."""
        self.connection.close()
        self._process.kill()
        self._process.join()


def _load(*, evidence: bool) -> None:
    """Import what linting takes, so that a forked worker need not."""
    for name in _LOADED:
        import_module(name)
    examination = import_module("analyzers.rules.examination")
    examination.switchability_rules()
    if evidence:
        examination.evidence_rules()
    gc.collect()
    gc.freeze()


def _work(root: str, connection: Connection, evidence: bool) -> None:
    """What a worker does: a path in, a result out, until nobody asks any more."""
    from analyzers.facts.neighbours import Library
    from analyzers.linting.one_file import lint_file

    gc.set_threshold(*GC_THRESHOLD)
    library = Library(Tree(root))
    try:
        while True:
            connection.send(lint_file(library, connection.recv(), evidence=evidence))
    except (EOFError, OSError, KeyboardInterrupt):
        os._exit(0)  # nothing is left to be put in order, and taking the nodes apart would take long
