"""Dependency lists other than requirements*.txt, each as (line number, requirement) pairs.

What such a file declares about hardware is left alone: `gpu: true`, `cuda: "12.1"`, an accelerator or a machine type
are the author's answer, and the verdict is about the code. A malformed list gives what can be read of it; setup.py is
parsed and never run.
"""

import ast
import itertools
from collections.abc import Iterator

from analyzers.lean import toml
from analyzers.lean.patterns import Pattern
from analyzers.project.parsing import BEYOND, syntax_tree, tried

Numbered = tuple[int, str]

_LIST_KEYS = {
    "cog.yaml": ("python_packages", "system_packages"),
    "cog.yml": ("python_packages", "system_packages"),
    "config.yaml": ("requirements", "system_packages"),
    "environment.yaml": ("dependencies", "pip"),
    "environment.yml": ("dependencies", "pip"),
    "bentofile.yaml": ("packages",),
}
"""YAML file to the keys whose lists name packages."""

_TOML_TABLES = {
    "Pipfile": ("packages",),
    "cerebrium.toml": ("cerebrium", "dependencies", "pip"),
    "pyproject.toml": ("tool", "poetry", "dependencies"),
}
"""TOML file to the table whose keys are packages."""

NAMES = (*_TOML_TABLES, "setup.cfg", "setup.py", *_LIST_KEYS)
"""The files that are read beside requirements*.txt, by name."""

_NAMED = Pattern(r"""\"((?:[^"\\]++|\\.)*+)(?:\"|\\?$)|'([^']*+)'|([\w-]++)""")
"""What a line of TOML names: strings and keys."""
_URL = Pattern(r"https?+://[^\s\"']++")


def read_list(name: str, text: str) -> Iterator[Numbered]:
    """Yield the requirements in the file called `name`; an index of wheels comes as `--extra-index-url`."""
    if name in _LIST_KEYS:
        yield from _yaml(text, _LIST_KEYS[name])
    elif name == "setup.cfg":
        yield from _setup_cfg(text)
    elif name == "setup.py":
        yield from _setup_py(text)
    else:
        yield from _toml(name, text)
    for number, line in enumerate(text.splitlines(), 1):
        if "/whl/" in line and not line.lstrip().startswith("#"):
            wheels = next((url for url in _URL.findall(line) if url.partition("/whl/")[2]), "")
            if wheels:
                yield number, f"--extra-index-url {wheels}"


def _toml(name: str, text: str) -> Iterator[Numbered]:
    try:
        content = toml.loads(text)
    except (ValueError, RecursionError):
        return
    lines = _lines_of_names(text)
    stated = _pinned(_table(content, *_TOML_TABLES[name]))
    for requirement, key in itertools.chain(_project(content) if name == "pyproject.toml" else (), stated):
        yield lines.get(key, 1), requirement


def _lines_of_names(text: str) -> dict[str, int]:
    """Return the first line on which each key and string of the TOML `text` stands; found once for all of them."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        for one in _NAMED.finditer(line):
            found.setdefault(one[1] or one[2] or one[3] or "", number)
    return found


def _project(content: object) -> Iterator[tuple[str, str]]:
    """Yield the PEP 621 dependencies; extras are left out, since they count only for the backend that they name."""
    listed = _table(content, "project").get("dependencies", [])
    yield from ((line, line) for line in (listed if isinstance(listed, list) else []) if isinstance(line, str))


def _pinned(table: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Yield packages that are keys: `torch = "2.1"`, `torch = {version = "2.1", extras = ["cuda"]}`."""
    for package, value in table.items():
        detail = value if isinstance(value, dict) else {"version": value}
        version = str(detail.get("version", "")).lstrip("^~*")
        if version[:1].isdigit():
            version = f"=={version}"
        elif not version.startswith(("=", "<", ">", "!")):
            version = ""
        named = detail.get("extras")
        extras = f"[{','.join(map(str, named))}]" if named and isinstance(named, list) else ""
        if package != "python":
            yield f"{package}{extras}{version}", package


def _table(content: object, *path: str) -> dict[str, object]:
    for key in path:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def _setup_cfg(text: str) -> Iterator[Numbered]:
    """Yield the indented lines behind `install_requires =`."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        stated = line
        if line[:1].strip():
            key, _, stated = line.partition("=")
            inside = key.strip() == "install_requires"
        if inside and stated.strip():
            yield number, stated.strip()


def _setup_py(text: str) -> Iterator[Numbered]:
    """Yield the strings in `install_requires=[...]`, also where a name stands for the list."""
    if tried(text) in BEYOND:
        return
    try:
        tree = syntax_tree(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    lists = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List | ast.Tuple)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    asked = (node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "install_requires")
    given = (lists.get(value.id) if isinstance(value, ast.Name) else value for value in asked)
    for value in dict.fromkeys(given):
        for item in value.elts if isinstance(value, ast.List | ast.Tuple) else ():
            if isinstance(item, ast.Constant) and isinstance(item.value, str):
                yield item.lineno, item.value


def _yaml(text: str, keys: tuple[str, ...]) -> Iterator[Numbered]:
    """Yield the items of the lists under `keys`, wherever in the file these stand."""
    if not any(key in text for key in keys):
        return
    import yaml  # few functions have such a list

    try:
        top = yaml.compose(text, yaml.SafeLoader)  # the loader written in C overflows its stack on deep nesting
    except (yaml.YAMLError, RecursionError, ValueError):
        return
    pending = [(top, False)]
    seen: set[tuple[int, bool]] = set()
    while pending:
        node, listed = pending.pop()
        if (id(node), listed) in seen:
            continue  # an alias of what was read already
        seen.add((id(node), listed))
        if isinstance(node, yaml.ScalarNode) and listed and node.tag == "tag:yaml.org,2002:str":
            yield node.start_mark.line + 1, _unconda(node.value)
        elif isinstance(node, yaml.SequenceNode):
            pending += [(item, listed) for item in reversed(node.value)]
        elif isinstance(node, yaml.MappingNode):
            pending += [(value, key.value in keys) for key, value in reversed(node.value)]


def _unconda(item: str) -> str:
    """Return a conda requirement, `channel::name=version=build`, as pip would write it."""
    bare = item.rpartition("::")[2]
    name, single, rest = bare.partition("=")
    return bare if not single or rest.startswith("=") or name[-1:] in "<>!~=" else f"{name}=={rest}"
