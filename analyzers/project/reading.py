"""One file, read and parsed without ever running it.

Whatever goes wrong is a `Trouble` with its place, which the analysis turns into a finding. Reading and parsing are two
steps, because the text alone tells of most files that nothing in them is worth a syntax tree.
"""

import sys

from analyzers.findings import Place
from analyzers.lean.files import open_file
from analyzers.lean.prefilter import may_hold_evidence
from analyzers.lean.records import record
from analyzers.project.names import module_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from pathlib import Path

MAX_BYTES = 1024 * 1024
"""Larger files are not analyzed: they are data or generated, and parsing one takes seconds and hundreds of MiB."""
MAX_NOTEBOOK_BYTES = 16 * MAX_BYTES
"""Notebooks hold pictures beside their code; the code itself is held to `MAX_BYTES`."""
NOTEBOOK = ".ipynb"


@record
class Code:
    """A file's code before it is parsed: its text, the bytes that it stands in, and the cells as in `Source`."""

    path: str
    text: str
    data: bytes
    cells: tuple[int, ...] = ()


@record
class Source:
    """A parsed file; `path` is relative to the project with forward slashes, `module` its dotted name.

    `relevant` is false when nothing in it but its imports can be evidence (prefilter.py). `cells` are the lines on
    which the cells of a notebook begin, empty for a file of Python.
    """

    path: str
    module: str
    text: str
    tree: "ast.Module"
    relevant: bool = True
    cells: tuple[int, ...] = ()

    @property
    def is_package(self) -> bool:
        """Whether the file is the `__init__.py` of a package."""
        return self.path.endswith("__init__.py")


class Trouble(Exception):  # noqa: N818 -- a result that travels as an exception, not an error of the analyzer
    """A file that could not be analyzed. `code` is the GA9xx rule, `place` and `excerpt` where it went wrong."""

    def __init__(self, code: str, place: Place, message: str, excerpt: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.place = place
        self.message = message
        self.excerpt = excerpt


def read_source(root: "Path | str", path: str) -> Source:
    """Read and parse the file at `path` below `root`.

    Raises:
        Trouble: the file is not readable, too large, not text or not Python.
    """
    return parsed(read_code(root, path))


def read_code(root: "Path | str", path: str) -> Code:
    """Read the file at `path` below `root`, of a notebook its code.

    Raises:
        Trouble: the file is not readable, too large or not text.
    """
    return as_code(path, _read(root, path))


def as_code(path: str, data: bytes) -> Code:
    """What `data`, the content of the file `path`, holds of code.

    Raises:
        Trouble: the file is too large or not text.
    """
    most = _most_bytes(path)
    if len(data) > most:
        raise Trouble("GA902", Place(path, 1), f"{path} is larger than {most // 1024} KiB and was not analyzed")
    text = _decode(path, data)
    return _notebook(path, text) if path.endswith(NOTEBOOK) else Code(path, text, data)


def parsed(code: Code) -> Source:
    """Parse `code`.

    Raises:
        Trouble: it is not Python.
    """
    relevant = may_hold_evidence(code.data)
    return Source(code.path, module_name(code.path), code.text, _tree(code), relevant, code.cells)


def check(code: Code) -> None:
    """Raise what parsing `code` would raise, at half the cost: no syntax tree is made of it.

    Raises:
        Trouble: it is not Python.
    """
    from symtable import symtable

    try:
        symtable(code.text, code.path, "exec")
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        parsed(code)  # which has the last word: the symbol table also refuses a few things that can be parsed


def _notebook(path: str, text: str) -> Code:
    from analyzers.project.notebooks import NotANotebookError, cells_of, first_lines  # few functions are notebooks

    try:
        cells = cells_of(text)
    except NotANotebookError as error:
        raise Trouble("GA903", Place(path, 1), str(error)) from None
    code = "".join(cells)
    if len(code) > MAX_BYTES:
        raise Trouble("GA902", Place(path, 1), f"the code of {path} is larger than {MAX_BYTES // 1024} KiB")
    try:
        data = code.encode()
    except UnicodeEncodeError as error:  # JSON can spell half of a pair
        half = code[error.start].encode("unicode_escape").decode()
        raise Trouble("GA903", Place(path, 1), f"the code holds half a character: {half}") from None
    return Code(path, code, data, first_lines(cells))


def _most_bytes(path: str) -> int:
    return MAX_NOTEBOOK_BYTES if path.endswith(NOTEBOOK) else MAX_BYTES


def _read(root: "Path | str", path: str) -> bytes:
    """The bytes of a file, one more at most than are analyzed."""
    try:
        with open_file(f"{root}/{path}") as file:
            return file.read(_most_bytes(path) + 1)
    except OSError as error:
        raise Trouble("GA903", Place(path, 1), f"cannot read {path}: {error.strerror}") from None


def _decode(path: str, data: bytes) -> str:
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise Trouble("GA903", Place(path, line), "the file holds NUL bytes: it is binary, corrupt or UTF-16")
    try:
        return data.decode(_encoding(data))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"byte {error.start} is not valid {error.encoding}"
        raise Trouble("GA903", Place(path, line), message) from None
    except (SyntaxError, LookupError) as error:
        raise Trouble("GA903", Place(path, 1), f"the encoding cannot be told: {error}") from None


def _encoding(data: bytes) -> str:
    """The encoding that a file declares in one of its first two lines, UTF-8 by default."""
    if b"coding" not in b"".join(data.split(b"\n", 2)[:2]):
        return "utf-8-sig"
    import io
    import tokenize  # few files declare one

    return tokenize.detect_encoding(io.BytesIO(data).readline)[0]


def _tree(code: Code) -> "ast.Module":
    try:
        return _parse(code.path, code.text)
    except Trouble as trouble:
        if not code.cells:
            raise
        from analyzers.project.notebooks import in_cell

        place = in_cell(trouble.place, code.cells)
        raise Trouble(trouble.code, place, trouble.message, trouble.excerpt) from None


def _parse(path: str, text: str) -> "ast.Module":
    import ast  # a file that is only checked needs none

    try:
        return ast.parse(text, path)
    except SyntaxError as error:
        column = max(error.offset or 1, 1)
        place = Place(path, max(error.lineno or 1, 1), column, column + 1)
        excerpt = (error.text or "").rstrip()
        version = ".".join(map(str, sys.version_info[:2]))
        message = f"not valid for Python {version}, which Gaia runs on: {error.msg}"
        raise Trouble("GA901", place, message, excerpt) from None
    except (RecursionError, MemoryError):
        raise Trouble("GA904", Place(path, 1), "an expression is nested too deeply to be parsed") from None
    except ValueError as error:
        raise Trouble("GA903", Place(path, 1), f"not readable as Python: {error}") from None
