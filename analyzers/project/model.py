"""What a project is made of, as frozen values: its code, the lines of its dependency lists, the files beside it."""

from analyzers.findings import Finding, Place
from analyzers.lean.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Callable


@record
class Code:
    """A file's code before it is parsed: its text, the bytes that it stands in; cells and failures as in `Source`.

    `wants_gpu`: the file is a notebook that asks for a machine with a GPU.
    """

    path: str
    text: str
    data: bytes
    cells: tuple[int, ...] = ()
    failures: tuple[Finding, ...] = ()
    wants_gpu: bool = False


@record
class Source:
    """A parsed file; `path` is relative to the project with forward slashes, `module` its dotted name.

    `relevant` is false when nothing in it but its imports can be evidence (prefilter.py). `cells` are the lines on
    which the cells of a notebook begin, empty for a file of Python; `failures` are those of cells that are left out.
    """

    path: str
    module: str
    text: str
    tree: "ast.Module"
    relevant: bool = True
    cells: tuple[int, ...] = ()
    failures: tuple[Finding, ...] = ()

    @property
    def is_package(self) -> bool:
        """Whether the file is the `__init__.py` of a package."""
        return self.path.endswith("__init__.py")


if TYPE_CHECKING:
    Find = Callable[[str], Code | Source | None]
    """Finds a module of the project by a name that it is imported by."""


@record
class Dependency:
    """A line of a dependency list: the normalized package name, empty for an index, and the line as it stands."""

    name: str
    text: str
    place: Place


@record
class Variable:
    """An environment variable that a file gives a value."""

    name: str
    value: str
    place: Place


@record
class Step:
    """An instruction of the Dockerfile, such as RUN, or a line of a script that the image starts."""

    word: str
    text: str
    place: Place


@record
class Asset:
    """A file beside the code: a model's weights or a kernel's source. `path` is relative to the project."""

    path: str
    bytes: int


class UnreadableError(Exception):
    """A file that cannot be analyzed; `failure` is the finding that says why and where."""

    def __init__(self, failure: Finding) -> None:
        super().__init__(failure.message)
        self.failure = failure
