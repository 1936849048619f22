"""Who uses what a file offers: commands or servers, as the files that import it say in their own words.

What only a command calls is paid for once, and what only training imports is in no worker. Files import each other in
chains, so the one that serves may be a few files away; only the first importer of each is followed.
"""

import re

from analyzers.facts.neighbours import Neighbours
from analyzers.lean.files import NOTEBOOK, TEXT_BYTES, read_inside
from analyzers.lean.patterns import Pattern
from analyzers.linting.aside import is_by_hand

_RUNS = Pattern(r"^if __name__ ?==|\bparse_(?:known_)?args\w*\(", re.MULTILINE)
"""What a command does, and a server may do."""
_SERVERS = (
    "aiohttp|azure\\.functions|bentoml|bottle|cog|django|falcon|fastapi|flask|functions_framework|gradio|grpc|kserve|"
    "litestar|litserve|modal|mosec|pytriton|ray|robyn|runpod|sanic|starlette|streamlit|tornado|uvicorn"
)
_SERVES = Pattern(
    rf"^[ \t]*(?:from|import)[ \t]+(?:{_SERVERS})\b|\bdef (?:handle|handler|lambda_handler|predict)\("
    r"|\bclass (?:\w*(?:Handler|Service)|Predictor)\b",
    re.MULTILINE,
)
_MOST_STEPS = 5
"""How far a chain of importers is followed."""


def is_for_command(path: str, neighbours: Neighbours) -> bool:
    """Return whether a command imports the file at `path`, which the project imports, and no server."""
    importer = neighbours.importer(path)
    text = _text(importer, neighbours) if importer else ""
    return bool(_RUNS.search(text)) and not _SERVES.search(text)


def is_for_server(path: str, neighbours: Neighbours) -> bool:
    """Return whether what serves imports the file at `path`, also by way of others; true where nobody can tell."""
    seen = {path}
    importer = neighbours.importer(path)
    while importer and importer not in seen and len(seen) <= _MOST_STEPS:
        if is_by_hand(importer) or importer.endswith(NOTEBOOK):
            return False
        if _SERVES.search(_text(importer, neighbours)):
            return True
        seen.add(importer)
        importer = neighbours.library.importers.of(importer)
        neighbours.read.update([importer] if importer else [])
    return importer == ""


def _text(path: str, neighbours: Neighbours) -> str:
    try:
        return read_inside(neighbours.library.tree.root, path, TEXT_BYTES).decode(errors="replace")
    except OSError:
        return ""
