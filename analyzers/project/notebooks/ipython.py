"""A cell of a notebook as Python: what IPython adds to the language is blanked, and every line keeps its number.

    %matplotlib inline          line magics, shell commands and questions for help are left out
    %time y = f(x)              those whose rest is Python become `if 1: y = f(x)`, in the same columns
    files, = !ls                what a command returns is None
    %%bash                      a cell in another language is left out as a whole
    # %load notes.txt           what was loaded below such a comment is no Python either
    %%time                      of any other cell magic the body is read as Python
    %%writefile model.py        and so is a module that a cell writes

Such lines only count where a statement may begin: inside of brackets and of strings they are Python. The words are
those of IPython's documentation of its magics, and of the extensions that are seen most.
"""

from collections.abc import Iterator

from analyzers.lean.patterns import Pattern
from analyzers.lean.tables import words

_CAPTURE = Pattern(r"\s*+([A-Za-z_\[(](?:[\w.\[\], *()]|'[^']*+'|\"[^\"]*+\")*+)=\s*+[!%](?!=)")
_COMMAND = Pattern(r"\s*+([%!?]|[\w.*]++\?{1,2}\s*+$)")
_TIMED = Pattern(
    r"(?P<indent>\s*+)(?P<magic>%(?:time|timeit|prun|memit|mprun|lprun)\s++(?:-\w++(?:[ =]?[\w.]++)?\s++)*+)"
    r"(?P<code>\S.*+)"
)
_CELL_MAGIC = Pattern(r"%%(?P<name>\w++)\s*+(?P<rest>.*+)")
_MODULE = Pattern(r"(?:-a\s++)?[\"']?[^\s\"']+\.py[\"']?\s*+$")
_LOADED = Pattern(r"#\s*+%load\s++\S+\.(?!py\s*+$)\w++\s*+$")
_AUTOMAGIC = Pattern(
    r"\s*+(?:pip3?|conda|(?:micro)?mamba|uv|ls|ll|cd|pwd|cat|mkdir|rmdir|rm|cp|mv|less|man|history|whos?|matplotlib|"
    r"(?:re)?load_ext|autoreload|env|set_env|reset|run|time|timeit|git|wget|curl|apt(?:-get)?|unzip|tar|nvidia-smi)"
    r"(?:\s++(?![-+*/%&|^@<>]*=|[(,:\[]).*+)?$"
)
_TOKEN = Pattern(r"#.*|\"\"\"|'''|\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?|[\[({]|[\])}]")
_STRING_ENDS = {'"""': Pattern(r'(?:\\.|[^\\])*?"""'), "'''": Pattern(r"(?:\\.|[^\\])*?'''")}
_OTHER_LANGUAGES = words(
    "bash sh shell script cmd powershell pwsh system sx html HTML javascript js latex markdown md svg SVG perl ruby "
    "R r julia octave matlab cython cython_inline fortran cpp cc cu cuda cuda_group_run nvcc rust go java scala sql "
    "bigquery duckdb sparksql spark sql_dataframe dot graphviz mermaid manim configure file mojo prolog sas stata "
    "gremlin oc sparql opencypher cypher css less typescript ts dart haskell lua tcl json yaml toml writetemplate "
    "ai kql sqlite tikz plantuml"
)
"""Cell magics whose body is not Python."""


def python_of(code: list[str]) -> list[str]:
    """Return the lines of a cell with Python alone in them."""
    lines = list(code)
    for number, line in enumerate(code):
        if _LOADED.match(line):
            return [""] * len(lines)
        if line.strip() == "" or line.startswith("#"):  # Colab's forms are comments above the magic
            continue
        if (magic := _CELL_MAGIC.match(line)) is None:
            break
        if not _is_python(magic["name"], magic["rest"]):
            return [""] * len(lines)
        lines[number] = ""
    return list(_without_commands(_dedented(lines)))


def _dedented(lines: list[str]) -> list[str]:
    """Return the lines of a cell without the indentation of its first code, which IPython takes off all of them."""
    first = next((line for line in lines if line.lstrip()[:1] not in ("", "#")), "")
    indent = first[: len(first) - len(first.lstrip())]
    return [line.removeprefix(indent) for line in lines] if indent else lines


def without_automagic(code: str) -> str:
    """Return the code without the lines that IPython takes for magics though they have no `%`, such as `pip install x`.

    Where such a line is Python, IPython takes it for a magic only if no name is bound to the word: so this is for code
    that is no Python as it stands.
    """
    return "\n".join(_blank(line) if _AUTOMAGIC.match(line) else line for line in code.split("\n"))


def _is_python(magic: str, rest: str) -> bool:
    """Return whether the body of a cell magic is Python, or a module that it writes."""
    if magic in ("writefile", "file"):
        return _MODULE.match(rest) is not None
    return magic not in _OTHER_LANGUAGES


def _without_commands(lines: list[str]) -> Iterator[str]:
    string, depth, continued, is_command = "", 0, False, False
    for line in lines:
        if not continued:
            is_command = not (string or depth) and bool(_COMMAND.match(line) or _captured(line))
        if is_command:
            shown = "" if continued else _command(line)
        else:
            shown = line
            string, depth = _after(line, string, depth)
        yield shown
        continued = line.endswith("\\")


def _command(line: str) -> str:
    """Return the Python in a line for IPython."""
    timed = _TIMED.match(line)
    if timed is None or line.endswith("\\"):
        return _blank(line)
    return f"{timed['indent']}if{' ' * (len(timed['magic']) - 5)}1: {timed['code']}"


def _blank(line: str) -> str:
    """Return the code in place of a command: inside a block `pass` keeps it together, a captured result is None."""
    indent = line[: len(line) - len(line.lstrip())]
    if name := _captured(line):
        return f"{indent}{name} = None"
    return f"{indent}pass" if indent else ""


def _captured(line: str) -> str:
    """Return what a line gives the output of a command to, empty for any other: `print("(alpha=%f)")` is Python."""
    target = match[1].rstrip() if (match := _CAPTURE.match(line)) else ""
    balanced = target.count("(") == target.count(")") and target.count("[") == target.count("]")
    return target if balanced else ""


def _after(line: str, string: str, depth: int) -> tuple[str, int]:
    """Return what is open behind `line`: the quotes of a multi-line string, and how many brackets."""
    position = 0
    while True:
        if string:
            end = _STRING_ENDS[string].match(line, position)
            if end is None:
                return string, depth
            string, position = "", end.end()
        token = _TOKEN.search(line, position)
        if token is None:
            return "", depth
        position = token.end()
        if token[0] in _STRING_ENDS:
            string = token[0]
        elif token[0] in "([{":
            depth += 1
        elif token[0] in ")]}":
            depth = max(depth - 1, 0)
