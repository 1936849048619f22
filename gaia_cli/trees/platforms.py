"""Functions that the files of other platforms declare: Knative, Cog, BentoML, Cerebrium, Serverless, AWS SAM.

The first four are about the folder that they lie in. The last two list handlers: of several, each is a function with an
entry point of its own; one alone is its folder, in which the code is looked at as anywhere.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from analyzers.lean.files import leads_out
from gaia_cli.errors import ConfigurationError
from gaia_cli.project.foreign import cog_yaml, func_yaml
from gaia_cli.project.foreign.yaml_nodes import composed, keys, said
from gaia_cli.project.own_files import text_of

_OF_A_FOLDER = (func_yaml.FILE, cog_yaml.FILE, "bentofile.yaml", "cerebrium.toml")
_SERVERLESS = ("serverless.yml", "serverless.yaml")
_SAM = ("template.yaml", "template.yml")
_SAM_FUNCTION = "AWS::Serverless::Function"

Handler = tuple[str, Path, str]
"""A function's name, its directory, and the entry point in it."""


def is_declared(names: Sequence[str]) -> bool:
    """Return whether one of the files `names` says that their folder is a function."""
    return any(name in names for name in _OF_A_FOLDER)


def handlers(directory: Path, names: Sequence[str]) -> list[Handler]:
    """Return the handlers in Python that a file in `directory` lists, one for each file that they are in.

    A file that is no YAML lists none: it is not Gaia's to judge.

    Raises:
        ConfigurationError: one that may list some cannot be read.
    """
    found: dict[tuple[Path, str], Handler] = {}
    for name in (one for one in (*_SERVERLESS, *_SAM) if one in names):
        text = text_of(directory, name)
        read = _of_serverless if name in _SERVERLESS else _of_sam
        with suppress(ConfigurationError):
            for function, place, handler in read(directory, text or ""):
                if entry := _entry(place, handler):
                    found.setdefault((place, entry.partition(":")[0]), (function, place, entry))
    return list(found.values())


def _of_serverless(directory: Path, text: str) -> Iterator[Handler]:
    for name, function in keys(keys(composed(text, directory)).get("functions")).items():
        if handler := said(keys(function).get("handler")):
            yield name, directory, handler.value


def _of_sam(directory: Path, text: str) -> Iterator[Handler]:
    for name, resource in keys(keys(composed(text, directory)).get("Resources")).items():
        parts = keys(resource)
        properties = keys(parts.get("Properties"))
        kind, handler, code = said(parts.get("Type")), said(properties.get("Handler")), said(properties.get("CodeUri"))
        if kind is not None and kind.value == _SAM_FUNCTION and handler is not None:
            place = code.value if code is not None else "."
            if not leads_out(str(directory), place):
                yield name, directory / place, handler.value


def _entry(directory: Path, handler: str) -> str:
    """Return the entry point that `handler` names, as `folder/file.function` or in dots; empty where it is nowhere."""
    module, _, attribute = handler.rpartition(".")
    paths = (f"{module}.py", f"{module.replace('.', '/')}.py")
    inside = (path for path in paths if module and attribute.isidentifier() and not leads_out(str(directory), path))
    return next((f"{path}:{attribute}" for path in inside if (directory / path).is_file()), "")
