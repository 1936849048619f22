"""Dependency lists other than requirements*.txt, each as (line number, requirement) pairs.

What such a file declares about hardware is left alone: `gpu: true`, `cuda: "12.1"`, an accelerator or a machine type
are the author's answer, and the verdict is about the code. A malformed list gives what can be read of it; setup.py is
parsed and never run.
"""

import ast
import re
from collections.abc import Iterator

from analyzers.lean import toml
from analyzers.lean.patterns import Pattern
from analyzers.project.parsing import BEYOND, syntax_tree, tried
from analyzers.project.requirements import requirement

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
_FILE_KEYS = frozenset({"python_requirements", "requirements_file", "requirements_txt"})
"""Keys of cog.yaml, a Truss's config.yaml and bentofile.yaml that name a file of requirements."""

_TOML_TABLES = {
    "Pipfile": ("packages",),
    "cerebrium.toml": ("cerebrium", "dependencies", "pip"),
    "pixi.toml": ("dependencies",),
}
"""TOML file to the table whose keys are packages."""

PYPROJECT = "pyproject.toml"

NAMES = (*_TOML_TABLES, PYPROJECT, "setup.cfg", "setup.py", *_LIST_KEYS)
"""The files that are read beside requirements*.txt, by name."""

_ASIDE = Pattern(r"dev|test|train|lint|doc|typ|bench|ci$", re.IGNORECASE)
"""Groups of dependencies that serving does not need."""
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
    if name == PYPROJECT:
        stated = [*project_requirements(content), *((line, line) for line in _default_groups(content))]
        stated += _pinned(table_in(content, "tool", "pixi", "dependencies"))
    else:
        stated = [*_pinned(table_in(content, *_TOML_TABLES[name]))]
    for line, key in stated:
        yield lines.get(key, 1), line


def _default_groups(content: object) -> Iterator[str]:
    """Yield what the groups ask for that are installed: uv's default ones, or all where nothing else is required.

    Groups for development are left out.
    """
    groups = table_in(content, "dependency-groups")
    chosen = table_in(content, "tool", "uv").get("default-groups")
    if not isinstance(chosen, list):
        required = table_in(content, "project").get("dependencies") or table_in(content, "tool", "poetry")
        chosen = [] if required else list(groups)
    pending = [name for name in chosen if isinstance(name, str) and not _ASIDE.search(name)]
    seen: set[str] = set()
    while pending:
        name = pending.pop(0)
        items = groups.get(name) if name not in seen else None
        seen.add(name)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, str):
                yield item
            elif isinstance(below := table_in(item).get("include-group"), str):
                pending.append(below)


def _lines_of_names(text: str) -> dict[str, int]:
    """Return the first line on which each key and string of the TOML `text` stands; found once for all of them."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        for one in _NAMED.finditer(line):
            found.setdefault(one[1] or one[2] or one[3] or "", number)
    return found


def project_requirements(content: object) -> Iterator[tuple[str, str]]:
    """Yield what the pyproject.toml `content` requires, each with the key or the string that says so.

    That is the list of PEP 621, with the sources that uv knows, else Poetry's table. Extras and groups are left out,
    since they count only for the backend, or the developer, that they name.
    """
    listed = table_in(content, "project").get("dependencies", [])
    lines = [line for line in (listed if isinstance(listed, list) else []) if isinstance(line, str)]
    sources = table_in(content, "tool", "uv", "sources")
    for line in lines:
        wanted = requirement(line) if sources else None
        source = sources.get(wanted.name) if wanted is not None else None
        located = _located(wanted.name, source) if wanted is not None and isinstance(source, dict) else ""
        yield located or line, line
    if not lines:
        yield from _of_poetry(table_in(content, "tool", "poetry", "dependencies"))
        yield from _of_poetry(table_in(content, "tool", "poetry", "group", "main", "dependencies"))


def _of_poetry(table: dict[str, object]) -> Iterator[tuple[str, str]]:
    for package, value in table.items():
        for one in value if isinstance(value, list) else [value]:
            detail = one if isinstance(one, dict) else {"version": one}
            if package == "python" or detail.get("optional") is True:
                continue
            named = detail.get("extras")
            extras = f"[{','.join(map(str, named))}]" if named and isinstance(named, list) else ""
            located = _located(f"{package}{extras}", detail)
            marker = f" ; {detail['markers']}" if isinstance(detail.get("markers"), str) else ""
            yield (located or f"{package}{extras}{poetry_versions(str(detail.get('version', '')))}") + marker, package


def _located(name: str, source: dict[str, object]) -> str:
    """Return the requirement on a package that comes from elsewhere than an index; empty for all others."""
    if isinstance(git := source.get("git"), str):
        at = next((f"@{source[key]}" for key in ("rev", "tag", "branch") if isinstance(source.get(key), str)), "")
        inside = f"#subdirectory={source['subdirectory']}" if isinstance(source.get("subdirectory"), str) else ""
        return f"{name} @ git+{git}{at}{inside}"
    if isinstance(url := source.get("url"), str):
        return f"{name} @ {url}"
    if isinstance(path := source.get("path"), str):
        return path if path.startswith(("/", "./", "../")) else f"./{path}"
    return ""


def poetry_versions(stated: str) -> str:
    """Return the versions that Poetry's `stated` allows, as pip writes them: `^1.2` is `>=1.2,<2`; empty for any."""
    parts = [part for part in stated.replace(",", " ").split() if part != "*"]
    return ",".join(_range(part) for part in _with_signs(parts))


def _with_signs(parts: list[str]) -> Iterator[str]:
    """Yield the parts with what stood alone before them: `>= 1.2`."""
    sign = ""
    for part in parts:
        if part.strip("^~=<>!"):
            yield sign + part
            sign = ""
        else:
            sign += part


def _range(part: str) -> str:
    version = part.lstrip("^~")
    if part.startswith("~=") or not part.startswith(("^", "~")):
        return f"=={part}" if part[:1].isdigit() else part
    numbers = version.split(".")
    if not all(number.isdigit() for number in numbers[:3]):
        return f">={version}"
    if part.startswith("~"):
        place = min(1, len(numbers) - 1)
    else:
        place = next((place for place, number in enumerate(numbers) if int(number)), len(numbers) - 1)
    return f">={version},<{'.'.join([*numbers[:place], str(int(numbers[place]) + 1)])}"


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


def table_in(content: object, *path: str) -> dict[str, object]:
    """Return the table that a path of keys leads to, an empty one where there is none."""
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
    parts = (part for value in asked for part in _summands(value))
    for given in dict.fromkeys(lists.get(part.id) if isinstance(part, ast.Name) else part for part in parts):
        for item in given.elts if isinstance(given, ast.List | ast.Tuple) else ():
            if isinstance(item, ast.Constant) and isinstance(item.value, str):
                yield item.lineno, item.value


def _summands(node: ast.expr) -> Iterator[ast.expr]:
    """Yield what a sum of lists consists of, as in `BASE + ["numpy"]`."""
    pending = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Add):
            pending += [one.right, one.left]
        else:
            yield one


def _yaml(text: str, keys: tuple[str, ...]) -> Iterator[Numbered]:
    """Yield the items of the lists under `keys`, wherever in the file these stand."""
    if not any(key in text for key in (*keys, *_FILE_KEYS)):
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
            for key, value in node.value:
                if key.value in _FILE_KEYS and isinstance(value, yaml.ScalarNode):
                    yield value.start_mark.line + 1, f"-r {value.value}"


def _unconda(item: str) -> str:
    """Return a conda requirement, `channel::name=version=build`, as pip would write it."""
    bare = item.rpartition("::")[2]
    name, single, rest = bare.partition("=")
    return bare if not single or rest.startswith("=") or name[-1:] in "<>!~=" else f"{name}=={rest}"
