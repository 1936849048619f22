"""Which platform would start a file, such as AWS Lambda or RunPod, by the file's own code.

Used where a directory has no entry point of the function contract: the files that a platform would start become the
starts. What a file declares about its hardware is not read: the verdict is about the code.
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
    "google.cloud.aiplatform.prediction": "Vertex AI",
    "kserve": "KServe",
    "leptonai": "Lepton",
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
"""Import name to the platform that loads a file with this import."""

_CLASSES = {"EndpointHandler": "Hugging Face", "TritonPythonModel": "Triton"}
"""Classes by whose name a platform finds what it serves."""
_FUNCTIONS = (({"init", "run"}, "Azure ML"), ({"model_fn"}, "SageMaker"))
"""Functions at the top of a file that a platform calls by name, all of each group."""

WEB_SERVER = "web server"

PROGRAMS = frozenset({"Banana", "KServe", "LitServe", "Mosec", "RunPod", "Spaces", WEB_SERVER})
"""Platforms that run the entry as a program; the others import it, so that its main block never runs."""

_SERVERS = {"fastapi.FastAPI", "flask.Flask", "gradio.Interface", "gradio.Blocks", "starlette.applications.Starlette"}
_EVENT_NAMES = frozenset({("event", "context"), ("event", "_context"), ("context", "event"), ("_event", "_context")})
_MARKERS = re.compile(
    "|".join(name.rpartition(".")[2] for name in _PACKAGES).encode()
    + b"|FastAPI|Flask|gradio|Starlette|event|class Model|EndpointHandler|TritonPythonModel|def init|model_fn"
)


def may_be_entry(data: bytes) -> bool:
    """Return whether a file with these bytes can be a platform's entry; saves parsing most of a large tree."""
    return _MARKERS.search(data) is not None


def platform_of(path: str, tree: ast.Module) -> str:
    """Return the platform that would start the file at `path`, empty when none would."""
    if path.endswith("model/model.py") and any(map(_is_truss_model, tree.body)):
        return "Truss"
    if called := _called_by_name(tree):
        return called
    names = dict(_imports(tree))
    for qualified in names.values():
        parts = qualified.split(".")
        platform = next((known for end in (1, 2, 4) if (known := _PACKAGES.get(".".join(parts[:end])))), "")
        if platform:
            return platform
    if any(map(_takes_event, tree.body)):
        return "AWS Lambda"
    return WEB_SERVER if any(_makes_server(node, names) for node in tree.body) else ""


def _called_by_name(tree: ast.Module) -> str:
    """Return the platform that calls a class or functions of a file by their names, empty without one."""
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    classes = (node.name for node in tree.body if isinstance(node, ast.ClassDef))
    by_class = next((_CLASSES[name] for name in classes if name in _CLASSES), "")
    return by_class or next((platform for names, platform in _FUNCTIONS if names <= defined), "")


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each name that an import at the top of a module binds, with what it stands for."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], alias.name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _is_truss_model(node: ast.stmt) -> bool:
    match node:
        case ast.ClassDef(name="Model", body=body):
            functions = (ast.FunctionDef, ast.AsyncFunctionDef)
            return any(isinstance(inner, functions) and inner.name == "predict" for inner in body)
    return False


def _takes_event(node: ast.stmt) -> bool:
    match node:
        case ast.FunctionDef(name=name, args=arguments) | ast.AsyncFunctionDef(name=name, args=arguments):
            names = tuple(argument.arg for argument in arguments.args)
            return names in _EVENT_NAMES or name == "lambda_handler"
    return False


def _makes_server(node: ast.stmt, names: dict[str, str]) -> bool:
    """Return whether a statement makes a web application: `app = FastAPI()`, `with gr.Blocks() as demo`."""
    match node:
        case (
            ast.Assign(value=ast.Call(func=made)) | ast.With(items=[ast.withitem(context_expr=ast.Call(func=made)), *_])
        ):
            match made:
                case ast.Name(id=name):
                    return names.get(name) in _SERVERS
                case ast.Attribute(value=ast.Name(id=base), attr=name):
                    return f"{names.get(base, base)}.{name}" in _SERVERS
    return False
