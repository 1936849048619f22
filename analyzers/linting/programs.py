"""Findings that are moot: about what a worker imports or serves, in a file that no worker ever loads.

Tests are such files, and so are programs: nothing imports them, and nothing in them takes requests. What stands at
their top runs once, for one user, and is at its right place there. The main block of a file that others import only
tries it out. Whether anything imports a file takes a look at all others, so it is asked where the answer decides.
"""

import re
from collections.abc import Iterable, Iterator

from analyzers.facts.contexts.model import Contexts, Phase
from analyzers.facts.contexts.phases import phase_of
from analyzers.facts.neighbours import Neighbours
from analyzers.facts.syntax import Function, called_name
from analyzers.findings import Finding, Signal
from analyzers.lean.patterns import Pattern
from analyzers.lean.profiles import CODES
from analyzers.linting.aside import harmless_lines, is_by_hand, is_copied
from analyzers.project.importers import is_test
from analyzers.project.model import Source
from analyzers.project.parsing import nodes_of

_BLOCKING = CODES["switchability.blocking_in_coroutine"]
_CUDA_AT_IMPORT = CODES["switchability.cuda_at_import"]
_GLOBAL_SEED = CODES["switchability.global_seed"]
_HARD_CODED = CODES["switchability.hard_coded_device"]
_OF_SWITCHES = frozenset({_HARD_CODED, _CUDA_AT_IMPORT, CODES["switchability.state_on_device"]})
_OF_WORKERS = frozenset(
    {_CUDA_AT_IMPORT, _GLOBAL_SEED}
    | {CODES[f"switchability.{name}"] for name in ("sets_visible_devices", "threads_at_import")}
)
_PARSES = Pattern(r"^\w[^\n#]*\bparse_(?:known_)?args\(", re.MULTILINE)
"""What a file does at its top that reads its command line, of which an import has none."""
_READS_COMMAND_LINE = Pattern(r"\bparse_(?:known_)?args\(|\b(?:click|typer|fire|absl|hydra|tyro)\b|\bsys\.argv\b")
_STREAMLIT = Pattern(r"^(?:import|from)[ \t]+streamlit\b", re.MULTILINE)
"""A page of Streamlit is a program that its server runs anew for each visitor."""
_OWN_SERVER = ("Triton(", "grpc.server(", "grpc.aio.server(", "HTTPServer(", "TCPServer(", "XMLRPCServer(")
"""A server that a program starts in its own process, with what is at its top."""
_PREDICTS = frozenset({"predict", "infer", "inference"})
"""Names of functions that serve, but also those of programs' own."""
_NO_MAIN = (0, 0)
_OWN_LOOP = ("asyncio.run(", "anyio.run(", "run_until_complete(")
"""What a program starts an event loop with that is nobody else's."""


def without_gpu_code(findings: Iterable[Finding], neighbours: Neighbours, *, wants_gpu: bool) -> list[Finding]:
    """Return the `findings` that matter where the project may be for GPUs only; `wants_gpu`: the file asks for one."""
    found = list(findings)
    others = [one for one in found if one.rule not in _OF_SWITCHES]
    if wants_gpu or len(others) == len(found):
        return others
    from analyzers.linting.gpu_projects import for_gpus  # reads the whole tree, and most files name no device

    project = for_gpus(neighbours.library.tree.root, found[0].place.path)
    neighbours.read.update(project.lists)
    return others if project.only else found


def without_moot(
    findings: Iterable[Finding], source: Source, contexts: Contexts, neighbours: Neighbours
) -> list[Finding]:
    """Return the `findings` in `source` that matter; `neighbours` know who imports it."""
    found = list(findings)
    if is_test(source.path) or is_copied(source.path):
        return [finding for finding in found if finding.signal is not Signal.SWITCHABILITY]
    if found and is_by_hand(source.path) and not _takes_any(source):
        found = [one for one in found if one.signal is not Signal.SWITCHABILITY or one.rule == _BLOCKING]
    if found and _serves_commands(source, contexts, neighbours):
        return [one for one in found if one.rule == _HARD_CODED or one.signal is not Signal.SWITCHABILITY]
    own_loop = bool(source.cells) or any(own in source.text for own in _OWN_LOOP)
    of_workers = [one for one in found if one.rule in _OF_WORKERS or (own_loop and one.rule == _BLOCKING)]
    main = first, last = contexts.mains.get(source.path, _NO_MAIN)
    if any(one.rule == _HARD_CODED for one in found):
        harmless = harmless_lines(source.tree, main)
        found = [one for one in found if not (one.rule == _HARD_CODED and _is_in(one, harmless))]
    of_programs = [one for one in found if one.rule == _HARD_CODED and first <= one.place.line <= last]
    if not (of_workers or of_programs):
        return found
    if source.cells:
        moot = of_workers
    elif _serves(source, contexts):
        moot = []
    elif neighbours.is_imported(source.path):
        seeds = [one for one in of_workers if one.rule == _GLOBAL_SEED]
        moot = of_programs + (seeds if seeds and _serves_nobody(source.path, neighbours) else [])
    else:
        moot = of_workers
    return [finding for finding in found if finding not in moot]


def _is_in(finding: Finding, stretches: Iterable[tuple[int, int]]) -> bool:
    return any(first <= finding.place.line <= last for first, last in stretches)


def _is_command(source: Source, contexts: Contexts) -> bool:
    """Return whether a file is for the command line: its main block reads that, and what it may serve only predicts."""
    is_command = contexts.mains.get(source.path, _NO_MAIN) != _NO_MAIN and _READS_COMMAND_LINE.search(source.text)
    return bool(is_command) and not _takes_any(source)


def _serves_commands(source: Source, contexts: Contexts, neighbours: Neighbours) -> bool:
    """Return whether a file is run by hand: it is a command itself, or what only predicts in it is for one."""
    if _is_command(source, contexts):
        return not neighbours.is_imported(source.path)
    predicts = any(isinstance(node, Function) and node.name in _PREDICTS for node in source.tree.body)
    if not predicts or _takes_any(source):
        return False
    from analyzers.linting.users import is_for_command  # few files predict

    return is_for_command(source.path, neighbours)


def _serves_nobody(path: str, neighbours: Neighbours) -> bool:
    from analyzers.linting.users import is_for_server  # few files seed

    return not is_for_server(path, neighbours)


def _takes_any(source: Source) -> bool:
    return any(not (_is_own(node) and node in source.tree.body) for node in _serving(source))


def _only_predicts(source: Source) -> bool:
    """Return whether nothing but the names of functions says that a file takes requests, as a program's own may."""
    return all(map(_is_own, _serving(source)))


def _serving(source: Source) -> Iterator[Function]:
    """Yield the functions that take requests, by their names or decorators."""
    for node in nodes_of(source.tree):
        if isinstance(node, Function):
            decorators = {called_name(decorator) for decorator in node.decorator_list}
            if phase_of(node.name, decorators) is Phase.REQUEST:
                yield node


def _is_own(node: Function) -> bool:
    """Return whether a function that seems to take requests may as well be a program's own."""
    return node.name in _PREDICTS and not node.decorator_list


def _is_page(text: str) -> bool:
    return "streamlit" in text and _STREAMLIT.search(text) is not None


def _serves(source: Source, contexts: Contexts) -> bool:
    parses = "parse_" in source.text and _PARSES.search(source.text)
    if parses or ("gradio" in source.text and ".launch(" in source.text) or _is_page(source.text):
        return False
    if any(own in source.text for own in _OWN_SERVER):
        return False
    has_main = contexts.mains.get(source.path, _NO_MAIN) != _NO_MAIN
    if source.path in contexts.serving and not (has_main and _only_predicts(source)):
        return True
    from analyzers.project.platforms import platform_of  # few files need it

    return bool(platform_of(source.path, source.tree))
