"""The fix of GA701: a hard-coded device asks first whether there is one.

    device = "cuda"        becomes  device = "cuda" if torch.cuda.is_available() else "cpu"
    model.cuda()           becomes  model.to("cuda" if torch.cuda.is_available() else "cpu")

On a machine with a GPU both mean what they meant; without one they failed before. Where that is not certain nothing is
changed: PyTorch is not imported, by one name and in front of the place, under which the code there surely sees it; an
object of unknown kind may have a `cuda()` of its own; and a program that starts processes may have to stay away from
the driver until they are started, which asking does not.
"""

import io
import tokenize
import warnings
from collections.abc import Iterator

from analyzers.facts.contexts.reading import read_contexts
from analyzers.facts.model import Array, Facts, FileFacts, Made, Place, Symbol, Value, options
from analyzers.facts.stage1 import extract
from analyzers.linting.suppression import split, suppressions
from analyzers.project.model import Source
from analyzers.project.names import module_name
from analyzers.project.parsing import syntax_tree
from analyzers.rules.behaviour import Behaviour
from analyzers.rules.examination import tying_rules
from analyzers.rules.switchability.hard_coded_device import RULE

_TORCH_OBJECTS = ("torch.", "torchvision.", "transformers.", "diffusers.", "timm.", "sentence_transformers.")
_STARTS_PROCESSES = ("multiprocessing", "torch.multiprocessing", "concurrent.futures", "os.fork", "joblib", "billiard")


def guard_devices(source: bytes, path: str) -> tuple[bytes, int]:
    """Return `source` with its hard-coded devices guarded, and how many were.

    Raises:
        EngineError: there is something to fix, but libcst is not installed.
    """
    if b"cuda" not in source:
        return source, 0
    starts = _fixable(source, path)
    if not starts:
        return source, 0
    from gaia_cli.linting.fixes.rewriting import guard

    return guard(source, starts)


def _fixable(source: bytes, path: str) -> frozenset[tuple[int, int]]:
    """Return where the facts allow a fix: line from 1, column in characters from 0."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        text = source.decode(encoding)
        with warnings.catch_warnings(action="ignore"):  # as in analyzers/linting/one_file.py
            parsed = Source(path, module_name(path), text, syntax_tree(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    files, failures = extract([parsed], ())
    if failures or any(fact.name.startswith(_STARTS_PROCESSES) for fact in Facts(files).imports()):
        return frozenset()
    behaviour = Behaviour(Facts(files), read_contexts([parsed]), tying_rules)
    kept, _ = split(RULE.findings(behaviour), suppressions(path, text))
    unsure = set(_unsure(files))
    return frozenset((found.place.line, found.place.column - 1) for found in kept if found.place not in unsure)


def _unsure(files: tuple[FileFacts, ...]) -> Iterator[Place]:
    """Yield the places of `.cuda()` on an object that may be something else than PyTorch's."""
    for call in Facts(files).calls():
        receivers = list(options(call.receiver)) or [call.receiver]
        if call.method == "cuda" and not all(map(_is_torch, receivers)):
            yield call.place


def _is_torch(value: Value) -> bool:
    match value:
        case Made(name=name) | Symbol(name=name):
            return name.startswith(_TORCH_OBJECTS)
        case _:
            return isinstance(value, Array)
