"""One file, read and parsed without ever running it.

Every failure is an `UnreadableError` with its finding. Reading and parsing are two steps, since the text of most files
already shows that they are not worth a syntax tree.
"""

import errno
import sys

from analyzers.findings import NOT_PYTHON, REFUSED, TOO_DEEP, TOO_LARGE, UNREADABLE, Finding, Place, failed
from analyzers.lean.files import LFS_POINTER, NOTEBOOK, TEXT_BYTES, TooLargeError, read_inside, source_bytes
from analyzers.lean.prefilter import may_hold_evidence
from analyzers.lean.records import replace
from analyzers.project.model import Code, Source, UnreadableError
from analyzers.project.names import module_name
from analyzers.project.parsing import BEYOND, NO_FILE, Outcome, needs_trial, syntax_tree, tried

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from pathlib import Path


def read_source(root: "Path | str", path: str) -> Source:
    """Read and parse the file at `path` below `root`.

    Raises:
        UnreadableError: the file is not readable, too large, not text or not Python.
    """
    return parsed(read_code(root, path))


def read_entry(root: "Path", path: str) -> bytes:
    """Return the bytes of the file at `path` below `root` for whoever looks for an entry point.

    Raises:
        OSError: the file is not readable, too large, or takes too long to parse.
    """
    data = read_inside(str(root), path, source_bytes(path))
    try:
        outcome = tried(as_code(path, data).text)
    except UnreadableError:
        return data  # whoever parses it finds out as well
    if outcome in BEYOND:
        raise OSError(errno.EFBIG, f"it {outcome.value}", path)
    return data


def read_code(root: "Path | str", path: str) -> Code:
    """Read the file at `path` below `root`, of a notebook its code.

    Raises:
        UnreadableError: the file is not readable, too large or not text.
    """
    return as_code(path, _read(root, path))


def as_code(path: str, data: bytes) -> Code:
    """Return the code in `data`, the content of the file `path`.

    Raises:
        UnreadableError: the file is too large or not text.
    """
    if len(data) > source_bytes(path):
        raise _too_large(path)
    if data.startswith(LFS_POINTER):
        raise _error(path, "the file is a pointer of Git LFS, its content is not here; fetch it with `git lfs pull`")
    text = _decode(path, data)
    return _notebook(path, text) if path.endswith(NOTEBOOK) else Code(path, text, data)


def parsed(code: Code) -> Source:
    """Parse `code`.

    Raises:
        UnreadableError: it is not Python.
    """
    relevant = may_hold_evidence(code.data)
    return Source(code.path, module_name(code.path), code.text, _tree(code), relevant, code.cells, code.failures)


def check(code: Code) -> None:
    """Check the syntax of `code` at half the cost of parsing, since no syntax tree is built.

    A long file is only tried: its symbol table may take the square of its length.

    Raises:
        UnreadableError: it is not Python.
    """
    if needs_trial(code.text):
        if tried(code.text) is not Outcome.PARSED:
            parsed(code)
        return
    from symtable import symtable

    try:
        symtable(code.text, NO_FILE, "exec")
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        parsed(code)  # which has the last word: the symbol table also refuses a few things that can be parsed


def _error(path: str, message: str, line: int = 1, rule: str = UNREADABLE) -> UnreadableError:
    return UnreadableError(failed(rule, Place(path, line), message))


def _notebook(path: str, text: str) -> Code:
    from analyzers.project.notebooks.cells import (  # few are notebooks
        NotANotebookError,
        cells_of,
        first_lines,
        readable,
        wants_gpu,
    )

    try:
        cells, bad = readable(cells_of(text))
    except NotANotebookError as error:
        raise _error(path, str(error)) from None
    code = "".join(cells)
    if len(code) > TEXT_BYTES:
        raise _error(path, f"the code of the notebook is larger than {TEXT_BYTES // 1024} KiB", rule=TOO_LARGE)
    try:
        data = code.encode()
    except UnicodeEncodeError as error:  # JSON can spell half of a pair
        half = code[error.start].encode("unicode_escape").decode()
        raise _error(path, f"the code has half of a surrogate pair: {half}") from None
    starts = first_lines(cells)
    failures = tuple(_not_python(path, one.error, starts[one.cell]) for one in bad)
    return Code(path, code, data, starts, failures, wants_gpu(text))


def _too_large(path: str) -> UnreadableError:
    return _error(path, f"the file is larger than {source_bytes(path) // 1024} KiB", rule=TOO_LARGE)


def _read(root: "Path | str", path: str) -> bytes:
    try:
        return read_inside(str(root), path, source_bytes(path))
    except TooLargeError:
        raise _too_large(path) from None
    except IsADirectoryError:  # one of which nobody could tell the files
        raise _error(path, "the directory may not be read", rule=REFUSED) from None
    except PermissionError:
        raise _error(path, "the file may not be read", rule=REFUSED) from None
    except OSError as error:
        raise _error(path, f"the file cannot be read: {error.strerror}", rule=REFUSED) from None


def _decode(path: str, data: bytes) -> str:
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise _error(path, "the file has NUL bytes: it is binary, corrupt or in UTF-16", line)
    try:
        return data.decode(_encoding(data))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _error(path, f"byte {error.start} of the file is not valid {error.encoding}", line) from None
    except (SyntaxError, LookupError, UnicodeError) as error:
        raise _error(path, f"the encoding is unknown: {error}") from None


def _encoding(data: bytes) -> str:
    """Return the encoding that a file declares in one of its first two lines, UTF-8 by default."""
    if b"coding" not in b"".join(data.split(b"\n", 2)[:2]):
        return "utf-8-sig"
    from runtime_images.entrypoint import encoding_of  # few files declare one

    return encoding_of(data)


def _tree(code: Code) -> "ast.Module":
    try:
        if (outcome := tried(code.text)) in BEYOND:
            raise _error(code.path, f"the file {outcome.value}", rule=TOO_DEEP)
        return _parse(code.path, code.text)
    except UnreadableError as error:
        if not code.cells:
            raise
        from analyzers.project.notebooks.cells import in_cell

        place = in_cell(error.failure.place, code.cells)
        raise UnreadableError(replace(error.failure, place=place)) from None


def _parse(path: str, text: str) -> "ast.Module":
    try:
        return syntax_tree(text)
    except SyntaxError as error:
        raise UnreadableError(_not_python(path, error)) from None
    except (RecursionError, MemoryError):
        raise _error(path, "an expression is nested too deeply to be parsed", rule=TOO_DEEP) from None
    except ValueError as error:
        raise _error(path, f"the file cannot be parsed: {error}") from None


def _not_python(path: str, error: SyntaxError, first: int = 1) -> Finding:
    """Return the finding for an error in code that begins on the line `first` of the file."""
    column = max(error.offset or 1, 1)
    place = Place(path, max(error.lineno or 1, 1) + first - 1, column, column + 1)
    version = ".".join(map(str, sys.version_info[:2]))
    message = f"the code is not valid for Python {version}, which Gaia runs on: {error.msg}"
    if said := getattr(error, "said", ""):
        message += f"; {said}"
    return failed(NOT_PYTHON, place, message, (error.text or "").rstrip())
