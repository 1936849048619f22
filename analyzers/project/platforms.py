"""Which platform would start a file, such as AWS Lambda or RunPod, by the file's own code.

Used where a directory has no entry point of the function contract: the files that a platform would start become the
starts. What a file declares about its hardware is not read: the verdict is about the code.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from analyzers.project.model import Code, Source
from analyzers.project.names import dotted
from analyzers.project.parsing import nodes_of, statements_of
from analyzers.project.reading import parsed

_FOUND: dict[tuple[str, bytes], str] = {}
"""The platforms of files by name and digest: who looks for functions asks, and then who reads one."""
_BY_FOLDER = "model.py"
"""The file whose folder matters as well."""
_PACKAGES = {
    "azure.functions": "Azure Functions",
    "beam": "Beam",
    "bentoml": "BentoML",
    "beta9": "Beam",
    "chalice": "AWS Lambda",
    "cog": "Cog",
    "fal": "fal",
    "functions_framework": "Cloud Functions",
    "google.cloud.aiplatform.prediction": "Vertex AI",
    "kfserving": "KServe",
    "kserve": "KServe",
    "leptonai": "Lepton",
    "lib.server.start_server": "Vast",
    "litserve": "LitServe",
    "mangum": "AWS Lambda",
    "mlflow.models.set_model": "MLflow",
    "mlflow.set_model": "MLflow",
    "mlserver": "MLServer",
    "modal": "Modal",
    "mosec": "Mosec",
    "parliament": "Knative",
    "potassium": "Banana",
    "ray.serve": "Ray Serve",
    "runpod": "RunPod",
    "runpod_flash": "RunPod",
    "seldon_core": "Seldon",
    "spaces": "Spaces",
    "tetra_rp": "RunPod",
    "ts.torch_handler": "TorchServe",
    "vastai.Worker": "Vast",
}
"""Import name to the platform that loads a file with this import."""
_MOST_PARTS = max(name.count(".") for name in _PACKAGES) + 1

_CLASSES = {
    "EndpointHandler": "Hugging Face",
    "InferlessPythonModel": "Inferless",
    "ONNXPredictor": "Cortex",
    "PreTrainedPipeline": "Hugging Face",
    "PythonPredictor": "Cortex",
    "TensorFlowPredictor": "Cortex",
    "TritonPythonModel": "Triton",
}
"""Classes by whose name a platform finds what it serves."""
_BASES = {"PythonModel": "MLflow", "SeldonComponent": "Seldon"}
"""Classes whose subclasses a platform loads."""
_FUNCTIONS = (({"init", "run"}, "Azure ML"), ({"init", "inference"}, "Banana"), ({"model_fn"}, "SageMaker"))
"""Functions at the top of a file that a platform calls by name, all of each group."""
_SIGNATURES = {
    "handle": ("OpenFaaS", frozenset({("req",), ("request",), ("event",), ("data", "context")})),
    "main": ("OpenWhisk", frozenset({("args",), ("params",), ("context",)})),
}
"""Functions that a platform calls by name with these arguments; `handle(data, context)` is TorchServe's."""
_SELDON = (frozenset({"features_names"}), frozenset({"feature_names"}), frozenset({"X", "names"}))
"""What Seldon passes to `predict`, all of a group."""
_TORCHSERVE = frozenset({"initialize", "handle"})
"""The methods of a handler of TorchServe that has no base."""
_CONFIGURED = {"cerebrium.toml": ("main.py", "Cerebrium")}
"""A platform's file to the module beside it that the platform loads."""

WEB_SERVER = "web server"

PROGRAMS = frozenset({"Banana", "KServe", "LitServe", "Mosec", "RunPod", "Spaces", "Vast", WEB_SERVER})
"""Platforms that run the entry as a program; the others import it, so that its main block never runs."""

_SERVERS = frozenset(
    {
        "aiohttp.web.Application",
        "bottle.Bottle",
        "celery.Celery",
        "dash.Dash",
        "django.core.asgi.get_asgi_application",
        "django.core.wsgi.get_wsgi_application",
        "falcon.App",
        "falcon.asgi.App",
        "fastapi.FastAPI",
        "flask.Flask",
        "gradio.Blocks",
        "gradio.ChatInterface",
        "gradio.Interface",
        "grpc.aio.server",
        "grpc.server",
        "http.server.HTTPServer",
        "http.server.ThreadingHTTPServer",
        "litestar.Litestar",
        "quart.Quart",
        "sanic.Sanic",
        "starlette.applications.Starlette",
        "tornado.web.Application",
    }
)
_PAGES = frozenset({"chainlit", "streamlit"})
"""Packages whose pages are scripts: an import makes one."""
_EVENT_NAMES = frozenset(
    {
        ("event", "context"), ("event", "_context"), ("context", "event"), ("_event", "_context"), ("event", "ctx"),
        ("event", "_"),
    }
)  # fmt: skip
_MARKERS = re.compile(
    "|".join(name.rpartition(".")[2] for name in (*_PACKAGES, *_BASES, *_CLASSES, *_SERVERS, *_PAGES)).encode()
    + rb"|event|class Model|def initialize|names|def init|model_fn|def handle\(|def main\((args|params|context)"
    + rb"|def \w{1,99}\(request\)"
)


def may_be_entry(data: bytes) -> bool:
    """Return whether a file with these bytes can be a platform's entry; saves parsing most of a large tree."""
    return _MARKERS.search(data) is not None


def configured(root: Path, files: Iterable[str]) -> dict[str, str]:
    """Return the platforms of those `files` below `root` that a platform's own file beside them names."""
    return {
        path: platform
        for path in files
        for settings, (module, platform) in _CONFIGURED.items()
        if path.rpartition("/")[2] == module and (root / path).with_name(settings).is_file()
    }


def platform_in(code: Code, parse: Callable[[Code], Source] = parsed) -> str:
    """Return the platform that would start a file, found once for all who ask; empty when none would.

    `parse` may keep the tree for who reads the file next.

    Raises:
        UnreadableError: the file may be one that a platform starts, and is not Python.
    """
    if not may_be_entry(code.data):
        return ""
    name = code.path.rpartition("/")[2]
    key = (code.path if name == _BY_FOLDER else name, blake2b(code.data).digest())
    if key not in _FOUND:
        _FOUND[key] = platform_of(code.path, parse(code).tree)
    return _FOUND[key]


def platform_of(path: str, tree: ast.Module) -> str:
    """Return the platform that would start the file at `path`, empty when none would."""
    names = list(_imports(tree))
    return (
        _named_class(path, tree)
        or _named_functions(tree)
        or next(filter(None, (_platform_of_package(qualified) for _, qualified in names)), "")
        or next(filter(None, (_platform_of_signature(path, node) for node in _functions(tree))), "")
        or (WEB_SERVER if _makes_server(tree, dict(names)) else "")
    )


def _functions(node: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions at the top of a module, or the methods of a class."""
    return (one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, ...]:
    return tuple(argument.arg for argument in node.args.args)


def _named_class(path: str, tree: ast.Module) -> str:
    """Return the platform that loads a class of a file, by its name, its base or the shape of its `predict`."""
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        bases = [dotted(base).rpartition(".")[2] for base in node.bases]
        if known := _CLASSES.get(node.name) or next((_BASES[base] for base in bases if base in _BASES), ""):
            return known
        predicts = [_arguments(one) for one in _functions(node) if one.name == "predict"]
        if predicts and node.name == "Model" and path.endswith(f"model/{_BY_FOLDER}"):
            return "Truss"
        if any(group.issubset(arguments) for arguments in predicts for group in _SELDON):
            return "Seldon"
        if {one.name for one in _functions(node)} >= _TORCHSERVE:
            return "TorchServe"
    return ""


def _named_functions(tree: ast.Module) -> str:
    """Return the platform that calls functions of a file by their names."""
    defined = {node.name for node in _functions(tree)}
    return next((platform for names, platform in _FUNCTIONS if names <= defined), "")


def _platform_of_package(qualified: str) -> str:
    parts = qualified.split(".", _MOST_PARTS)[:_MOST_PARTS]
    ends = range(1, len(parts) + 1)
    return next((known for end in ends if (known := _PACKAGES.get(".".join(parts[:end])))), "")


def _platform_of_signature(path: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return the platform that calls a function by its name, or by what it takes."""
    taken = _arguments(node)
    if taken in _EVENT_NAMES or node.name == "lambda_handler":
        return "AWS Lambda"
    if taken == ("request",) and path.rpartition("/")[2] == "main.py":
        return "Cloud Functions"
    platform, signatures = _SIGNATURES.get(node.name, ("", frozenset[tuple[str, ...]]()))
    return platform if taken in signatures else ""


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each name that an import of a module binds, those in functions last, with what it stands for."""
    inner = (node for node in statements_of(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    for node in dict.fromkeys((*tree.body, *inner)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], alias.name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _makes_server(tree: ast.Module, names: dict[str, str]) -> bool:
    """Return whether a file makes a web application, a page, or a server of tasks, be it in a function of its own."""
    if any(qualified.partition(".")[0] in _PAGES for qualified in names.values()):
        return True
    made = (node.func for node in nodes_of(tree) if isinstance(node, ast.Call))
    return any(_qualified(dotted(function), names) in _SERVERS for function in made)


def _qualified(name: str, names: dict[str, str]) -> str:
    """Return what a dotted name of a file stands for: `web.Application` after `from aiohttp import web`."""
    base, _, rest = name.partition(".")
    return f"{names.get(base, base)}.{rest}" if rest else names.get(base, base)
