"""Many files, several processes: workers that share what was loaded before, and that no file can stop.

A worker may be killed: by a parser that runs out of stack, or by the kernel for want of memory. Each has a pipe of its
own, which ends with it even in the middle of a result; the pools of the standard library would wait for the rest of it
for ever. The file that a killed worker was at is linted once more, alone. When that fails too it becomes a finding, and
so does a file that exceeds the time limit.
"""

import gc
import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from signal import SIG_IGN, SIGINT, signal
from time import monotonic
from traceback import format_exc

from analyzers.facts.neighbours import Library
from analyzers.findings import TOO_DEEP, TOO_ENTANGLED, Place, failed
from analyzers.lean.garbage import GC_THRESHOLD, collect_new
from analyzers.linting import one_file
from analyzers.linting.results import FileResult, Linted
from analyzers.project.names import Tree
from analyzers.rules.examination import evidence_rules, switchability_rules

LONGEST_S = 120.0
"""The most expensive file of a million lines takes a second; what takes this long will not end."""
FILES_A_WORKER = 2000
"""Then the workers are replaced: astroid never gives back all of its memory."""
AHEAD = 64
"""How far work may run ahead of a slow file whose result is waited for, in files a worker."""
_CONTEXT = get_context("fork") if hasattr(os, "fork") else get_context("spawn")
_Job = tuple[int, str]


def lint_in_processes(tree: Tree, paths: Sequence[str], processes: int, *, evidence: bool) -> Iterator[Linted]:
    """Lint the files `paths` of `tree` in `processes` processes; results come in the order of `paths`."""
    if hasattr(os, "fork"):
        _load(evidence=evidence)  # once, for all of them
    pool = _Pool(tree.root, paths, processes, evidence=evidence)
    try:
        for number in range(len(paths)):
            while number not in pool.results:
                pool.hand_out(number + AHEAD * processes)
                pool.take_in()
            yield pool.results.pop(number)
    finally:
        for worker in (*pool.idle, *pool.busy.values()):
            worker.end()


class _Worker:
    """A process that lints the files it is sent, one after another."""

    def __init__(self, root: str, *, evidence: bool) -> None:
        self.pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_work, args=(theirs, self.pipe, root, evidence), daemon=True)
        self._process.start()
        theirs.close()  # the worker has the only copy, so the pipe ends when it does
        self.left = FILES_A_WORKER

    def begin(self, job: _Job) -> None:
        self.job = job
        self.deadline = monotonic() + LONGEST_S
        self.left -= 1
        with suppress(OSError):  # a dead worker is noticed when its result is read
            self.pipe.send(job[1])

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.pipe.close()


class _Pool:
    """The workers, and the results by the number of the file."""

    def __init__(self, root: str, paths: Sequence[str], processes: int, *, evidence: bool) -> None:
        self._start = partial(_Worker, root, evidence=evidence)
        self._processes = processes
        self._coming = deque(enumerate(paths))
        self._suspects: list[_Job] = []
        self.idle: list[_Worker] = []
        self.busy: dict[Connection[str, Linted | Exception], _Worker] = {}
        self.results: dict[int, Linted] = {}

    def hand_out(self, before: int) -> None:
        """Give idle workers the files with numbers below `before`; a suspect runs alone."""
        if self._suspects:
            if not self.busy:
                self._begin(self._suspects[0])
            return
        while self._coming and self._coming[0][0] < before and len(self.busy) < self._processes:
            self._begin(self._coming.popleft())

    def _begin(self, job: _Job) -> None:
        worker = self.idle.pop() if self.idle else self._start()
        self.busy[worker.pipe] = worker
        worker.begin(job)

    def take_in(self) -> None:
        """Wait for a result, for the end of a worker or for the time limit."""
        first = min(worker.deadline for worker in self.busy.values())
        ready = wait(self.busy, max(first - monotonic(), 0))
        for pipe, worker in list(self.busy.items()):
            if pipe in ready:
                self._read(worker)
            elif monotonic() > worker.deadline:
                self._give_up(worker, TOO_ENTANGLED, f"takes longer than {LONGEST_S:.0f} s")

    def _read(self, worker: _Worker) -> None:
        try:
            linted = worker.pipe.recv()
        except (EOFError, OSError):
            if worker.job in self._suspects:
                problem = "ends the process that analyzes it: it is too deep for the stack or needs too much memory"
                self._give_up(worker, TOO_DEEP, problem)
            else:
                self._suspects.append(worker.job)
                self._retire(worker)
            return
        if isinstance(linted, Exception):
            raise linted
        self._finish(worker, linted)
        if worker.left:
            self.idle.append(self.busy.pop(worker.pipe))
        else:
            self._retire(worker)

    def _give_up(self, worker: _Worker, rule: str, problem: str) -> None:
        path = worker.job[1]
        self._finish(worker, Linted(FileResult(path, (failed(rule, Place(path, 1), f"the file {problem}"),))))
        self._retire(worker)

    def _finish(self, worker: _Worker, linted: Linted) -> None:
        self.results[worker.job[0]] = linted
        if worker.job in self._suspects:
            self._suspects.remove(worker.job)

    def _retire(self, worker: _Worker) -> None:
        del self.busy[worker.pipe]
        worker.end()


def _load(*, evidence: bool) -> None:
    """Import what linting takes, so that a forked worker need not."""
    for name in one_file.LOADED:
        import_module(name)
    switchability_rules()
    if evidence:
        evidence_rules()
    gc.collect()
    gc.freeze()


def _work(
    pipe: "Connection[Linted | Exception, str]", parents: "Connection[str, Linted]", root: str, evidence: bool
) -> None:
    """Answer each path with its result until the pipe ends; Ctrl-C is for the parent, which ends its workers."""
    signal(SIGINT, SIG_IGN)
    gc.set_threshold(*GC_THRESHOLD)
    parents.close()  # its copy of the parent's end, so the pipe ends when the parent does
    library = Library(Tree(root))
    with suppress(EOFError, OSError):
        while True:
            path = pipe.recv()
            try:
                pipe.send(one_file.lint_file(library, path, evidence=evidence))
            except Exception as error:  # noqa: BLE001 -- raised again in the parent
                error.add_note(format_exc())
                pipe.send(error)
            collect_new()
