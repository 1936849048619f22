"""Where serving begins on the platforms that functions are written for, told from a file's own code.

It is asked only where a directory has no entry point of the function contract: then the files that one of these
platforms would start are the starts, and what they do not import is left out. What a file declares about its hardware
is not read: the verdict is about the code.
"""

import ast
import re
from collections.abc import Iterator

_PACKAGES = {
    "beam": "Beam",
    "bentoml": "BentoML",
    "cog": "Cog",
    "fal": "fal",
    "functions_framework": "Cloud Functions",
    "kserve": "KServe",
    "litserve": "LitServe",
    "modal": "Modal",
    "mosec": "Mosec",
    "potassium": "Banana",
    "ray.serve": "Ray Serve",
    "runpod": "RunPod",
    "runpod_flash": "RunPod",
    "spaces": "Spaces",
    "tetra_rp": "RunPod",
}
"""Import name to platform: a file that imports one of these is what the platform loads, or a part of it."""

WEB_SERVER = "web server"

PROGRAMS = frozenset({"Banana", "KServe", "LitServe", "Mosec", "RunPod", "Spaces", WEB_SERVER})
"""Platforms that run the entry as a program; the others import it, and leave its main block out."""

_SERVERS = {"fastapi.FastAPI", "flask.Flask", "gradio.Interface", "gradio.Blocks", "starlette.applications.Starlette"}
_EVENT_NAMES = frozenset({("event", "context"), ("event", "_context"), ("context", "event"), ("_event", "_context")})
_MARKERS = re.compile(
    rb"beam|bentoml|cog|fal|functions_framework|kserve|litserve|modal|mosec|potassium|serve|runpod|spaces|tetra_rp"
    rb"|FastAPI|Flask|gradio|Starlette|event|class Model"
)


def may_be_entry(data: bytes) -> bool:
    """Whether a file with these bytes can be an entry of a platform at all; saves parsing most of a large tree."""
    return _MARKERS.search(data) is not None


def platform_of(path: str, tree: ast.Module) -> str:
    """The platform that would start the file at `path`, empty when none would."""
    if path.endswith("model/model.py") and any(_is_class(node, "Model", "predict") for node in tree.body):
        return "Truss"
    names = dict(_imports(tree))
    for qualified in names.values():
        platform = _PACKAGES.get(qualified.partition(".")[0]) or _PACKAGES.get(".".join(qualified.split(".")[:2]))
        if platform:
            return platform
    if any(_takes_event(node) for node in tree.body):
        return "AWS Lambda"
    return WEB_SERVER if any(_makes_server(node, names) for node in tree.body) else ""


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each name that an import at the top of a module binds, with what it stands for."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], alias.name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _is_class(node: ast.stmt, name: str, method: str) -> bool:
    return (
        isinstance(node, ast.ClassDef)
        and node.name == name
        and any(
            isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and inner.name == method for inner in node.body
        )
    )


def _takes_event(node: ast.stmt) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    names = tuple(argument.arg for argument in node.args.args)
    return names in _EVENT_NAMES or node.name == "lambda_handler"


def _makes_server(node: ast.stmt, names: dict[str, str]) -> bool:
    """Whether a statement at the top makes a web application: `app = FastAPI()`, `with gr.Blocks() as demo`."""
    value: ast.expr | None = None
    if isinstance(node, ast.Assign):
        value = node.value
    elif isinstance(node, ast.With):
        value = node.items[0].context_expr
    if not isinstance(value, ast.Call):
        return False
    match value.func:
        case ast.Name(id=name):
            return names.get(name) in _SERVERS
        case ast.Attribute(value=ast.Name(id=base), attr=name):
            return f"{names.get(base, base)}.{name}" in _SERVERS
        case _:
            return False
