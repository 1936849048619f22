"""Many files, several processes: a pool whose workers share what was loaded before, and which no file can stop.

A worker may be killed: by a parser that runs out of stack, or by the kernel for want of memory. The pool then gives up
as a whole and does not say over which file. So the next files go through a pool of one worker, which takes them in
order: the file over which that one ends becomes a finding, and so does one that takes beyond all measure.
"""

import gc
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from itertools import islice
from multiprocessing import active_children, get_context
from signal import SIG_IGN, SIGINT, signal

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


def lint_in_processes(tree: Tree, paths: Sequence[str], processes: int, *, evidence: bool) -> Iterator[Linted]:
    """Lint the files `paths` of `tree` in `processes` processes; results come in the order of `paths`."""
    if hasattr(os, "fork"):
        _load(evidence=evidence)  # once, for all of them
    left = deque(paths)
    suspects = 0
    while left:
        width = 1 if suspects else min(processes, len(left))
        batch = list(islice(left, suspects or FILES_A_WORKER * width))
        suspects = 0
        try:
            with _workers(width) as pool:
                for linted in _in_order(pool, tree.root, batch, AHEAD * width, evidence=evidence):
                    left.popleft()
                    yield linted
        except TimeoutError:
            yield _given_up(left.popleft(), TOO_ENTANGLED, f"took longer than {LONGEST_S:.0f} s")
        except BrokenProcessPool:
            if width > 1:
                suspects = 2 * width + 1  # what its workers can have had among them
            else:
                problem = "ended the process that analyzed it: too deep for its stack or too large for memory"
                yield _given_up(left.popleft(), TOO_DEEP, problem)


@contextmanager
def _workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of `count` workers, which end with the block, whatever they are at."""
    others = set(active_children())
    context = get_context("fork" if hasattr(os, "fork") else "spawn")
    pool = ProcessPoolExecutor(count, context, _begin)
    try:
        yield pool
    except BaseException:
        for worker in set(active_children()) - others:
            worker.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor, root: str, paths: Sequence[str], ahead: int, *, evidence: bool
) -> Iterator[Linted]:
    coming = iter(paths)
    waiting: deque[Future[Linted]] = deque()
    while True:
        waiting.extend(pool.submit(_lint, root, path, evidence) for path in islice(coming, ahead - len(waiting)))
        if not waiting:
            return
        yield waiting.popleft().result(LONGEST_S)


def _given_up(path: str, rule: str, problem: str) -> Linted:
    return Linted(FileResult(path, (failed(rule, Place(path, 1), f"the file {problem}"),)))


def _load(*, evidence: bool) -> None:
    """Import what linting takes, so that a forked worker need not."""
    for name in one_file.LOADED:
        import_module(name)
    switchability_rules()
    if evidence:
        evidence_rules()
    gc.collect()
    gc.freeze()


def _begin() -> None:
    """Make a worker ready; Ctrl-C is for its parent, which ends it."""
    signal(SIGINT, SIG_IGN)
    gc.set_threshold(*GC_THRESHOLD)


@cache
def _library(root: str) -> Library:
    """What a worker has read of the project."""
    return Library(Tree(root))


def _lint(root: str, path: str, evidence: bool) -> Linted:
    return one_file.lint_file(_library(root), path, evidence=evidence)
