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
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from signal import SIG_IGN, SIGINT, signal
from time import monotonic
from traceback import format_exc

from analyzers.facts.neighbours import Library
from analyzers.findings import TOO_DEEP, TOO_ENTANGLED, Place, failed
from analyzers.lean.garbage import GC_THRESHOLD
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
_QUEUED = 4
"""Files that a worker has before it, so that it need not wait while results are reported."""

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
        for worker in pool.workers:
            worker.end()


class _Worker:
    """A process that lints the files of its jobs, one after another."""

    def __init__(self, root: str, *, evidence: bool) -> None:
        self.pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_work, args=(theirs, self.pipe, root, evidence), daemon=True)
        self._process.start()
        theirs.close()  # the worker has the only copy, so the pipe ends when it does
        self.jobs: deque[_Job] = deque()
        self.left = FILES_A_WORKER
        self.deadline = 0.0

    def add(self, job: _Job) -> None:
        if not self.jobs:
            self.deadline = monotonic() + LONGEST_S
        self.jobs.append(job)
        self.left -= 1
        with suppress(OSError):  # a dead worker is noticed when its result is read
            self.pipe.send(job[1])

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.pipe.close()


class _Pool:
    """The workers, the jobs before them, and the results by the number of the job."""

    def __init__(self, root: str, paths: Sequence[str], processes: int, *, evidence: bool) -> None:
        self._root, self._evidence, self._processes = root, evidence, processes
        self._coming = deque(enumerate(paths))
        self._suspects: list[_Job] = []
        self.workers: list[_Worker] = []
        self.results: dict[int, Linted] = {}

    def hand_out(self, before: int) -> None:
        """Give the workers jobs with numbers below `before`; a suspect gets all of them to itself."""
        if self._suspects:
            if not any(worker.jobs for worker in self.workers):
                self._free_worker().add(self._suspects[0])
            return
        while self._coming and self._coming[0][0] < before:
            worker = self._free_worker()
            if len(worker.jobs) == _QUEUED:
                return
            worker.add(self._coming.popleft())

    def _free_worker(self) -> _Worker:
        usable = [worker for worker in self.workers if worker.left]
        least = min(usable, key=lambda worker: len(worker.jobs), default=None)
        if least is None or (least.jobs and len(self.workers) < self._processes):
            least = _Worker(self._root, evidence=self._evidence)
            self.workers.append(least)
        return least

    def take_in(self) -> None:
        """Wait for a result, for the end of a worker or for the time limit."""
        busy = {worker.pipe: worker for worker in self.workers if worker.jobs}
        ready = wait(busy, max(min(worker.deadline for worker in busy.values()) - monotonic(), 0))
        for pipe, worker in busy.items():
            if pipe in ready:
                self._read(worker)
            elif monotonic() > worker.deadline:
                self._give_up(worker, TOO_ENTANGLED, f"takes longer than {LONGEST_S:.0f} s")

    def _read(self, worker: _Worker) -> None:
        try:
            linted: Linted | Exception = worker.pipe.recv()
        except (EOFError, OSError):
            if worker.jobs[0] in self._suspects:
                problem = "ends the process that analyzes it: it is too deep for the stack or needs too much memory"
                self._give_up(worker, TOO_DEEP, problem)
            else:
                self._suspects.append(worker.jobs.popleft())
                self._replace(worker)
            return
        if isinstance(linted, Exception):
            raise linted
        self._finish(worker.jobs.popleft(), linted)
        worker.deadline = monotonic() + LONGEST_S
        if not worker.jobs and not worker.left:
            self._replace(worker)

    def _give_up(self, worker: _Worker, rule: str, problem: str) -> None:
        number, path = worker.jobs.popleft()
        self._finish((number, path), Linted(FileResult(path, (failed(rule, Place(path, 1), f"the file {problem}"),))))
        self._replace(worker)

    def _replace(self, worker: _Worker) -> None:
        """End `worker` and put its other jobs back; the next job starts another one."""
        self._coming.extendleft(reversed(worker.jobs))
        self.workers.remove(worker)
        worker.end()

    def _finish(self, job: _Job, linted: Linted) -> None:
        self.results[job[0]] = linted
        if job in self._suspects:
            self._suspects.remove(job)


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
