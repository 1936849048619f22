"""Write files that break analyzers into a directory, or lint them and say what each came to.

    python benchmarks/nasty.py            # lint them in a temporary directory, with times
    python benchmarks/nasty.py DIRECTORY  # only write them

Each file is broken, huge, deep, hostile or odd in a way of its own. Linting must end, name what cannot be analyzed,
execute nothing, and go on with the next file.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

DEEP = 10_000
_USE = "import torch\nx = torch.zeros(1).to({})\n"


def nasty_files() -> Mapping[str, bytes]:
    """The files by name."""
    return {**_broken(), **_deep(), **_huge(), **_entangled(), **_hostile(), **_notebooks()}


def _broken() -> dict[str, bytes]:
    return {
        "syntax_error.py": b"import torch\ndef f(:\n",
        "python2.py": b"print 'x'\nexec 'y'\n",
        "mixed_tabs.py": b"if 1:\n        x = 1\n\ty = 2\n",
        "null_bytes.py": b"x = 1\ny = '\0'\n",
        "utf16.py": "import torch\n".encode("utf-16"),
        "not_utf8.py": b"x = '\xff\xfe'\n",
        "unknown_coding.py": b"# -*- coding: klingon -*-\nx = 1\n",
        "two_codings.py": b"\xef\xbb\xbf# -*- coding: latin-1 -*-\nx = 1\n",
        "latin1.py": "# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1"),
        "bom.py": "\ufeffimport torch\nx = torch.zeros(1).cuda()\n".encode(),
        "surrogate.py": b"x = '\xed\xa0\x80'\n",
        "only_cr.py": b"import torch\rx = 1\r",
        "form_feed.py": b"\x0c\nx = 1\n\x0c",
        "unterminated.py": b'"""' + b"x\n" * 1000,
        "json.py": b'{"cells": [], "metadata": {}}',
        "empty.py": b"",
    }


def _deep() -> dict[str, bytes]:
    return {
        "deep_parentheses.py": b"x = " + b"(" * DEEP + b"1" + b")" * DEEP + b"\n",
        "deep_lists.py": b"x = " + b"[" * 190 + b"]" * 190 + b"\n",
        "deep_minus.py": b"x = " + b"-" * DEEP + b"1\n",
        "deep_not.py": b"x = " + b"not " * DEEP + b"1\n",
        "deep_ifs.py": b"".join(b" " * n + b"if x:\n" for n in range(1_000)) + b" " * 1_000 + b"pass\n",
        "deep_functions.py": b"".join(b" " * n + b"def f():\n" for n in range(95)) + b" " * 95 + b"pass\n",
        "long_sum.py": b"x = " + b" + ".join([b"y"] * DEEP) + b"\n",
        "long_chain.py": b"x = y" + b".a()" * DEEP + b"\n",
        "long_attributes.py": b"import torch\nx = torch" + b".a" * 2_500 + b"\n",
        "many_elifs.py": b"if a == 0:\n    pass\n" + b"".join(b"elif a == %d:\n    pass\n" % n for n in range(DEEP)),
        "many_returns.py": b"def f(x):\n"
        + b"".join(b"    if x == %d:\n        return %d\n" % (n, n) for n in range(5_000)),
        "nested_lambdas.py": b"x = " + b"lambda: " * 1_000 + b"1\n",
        "nested_conditions.py": b"x = " + b"1 if y else " * 1_000 + b"2\n",
        "nested_fstrings.py": b"x = f'{1:{2:{3}}}'\n" * 100,
    }


def _huge() -> dict[str, bytes]:
    return {
        "five_megabytes.py": b"x = 1\n" * (5 * 1024 * 1024 // 6),
        "one_line.py": b"x = [" + b"1," * 400_000 + b"]\n",
        "many_names.py": b"".join(b"name%d = %d\n" % (n, n) for n in range(40_000)),
        "many_calls.py": b"import torch\n" + b"x = torch.zeros(1).to(device)\n" * 20_000,
        "huge_numbers.py": b"import torch\nx = torch.zeros(10 ** 10 ** 10, 1 << 10 ** 10)\ny = 'a' * 10 ** 12\n"
        b"z = [1] * 10 ** 8\n",
        "huge_digits.py": b"x = " + b"9" * 5_000 + b"\n",
        "format_width.py": b"x = f'{1:>1000000000}'\ny = '%1000000000d' % 1\n",
    }


def _entangled() -> dict[str, bytes]:
    doubling = "".join(f"def f{n}(): return f{n + 1}() if c else f{n + 1}()\n" for n in range(40))
    names = "".join(f"n{n % 30} = n{n * 7 % 30} + n{n * 11 % 30} + n{n * 13 % 30}\n" for n in range(3_000))
    bases = "".join(f"class C{n}(C{n + 1}, C{n + 2}): pass\n" for n in range(60))
    return {
        "cycle_a.py": b"from cycle_b import X\nimport torch\nY = X\nz = torch.zeros(1).to(Y)\n",
        "cycle_b.py": b"from cycle_a import Y\ncuda = 1\nX = Y\n",
        "imports_itself.py": b"import imports_itself\nfrom imports_itself import DEVICE as DEVICE\nimport torch\n"
        b"x = torch.zeros(1).to(DEVICE)\n",
        "doubling_calls.py": (doubling + "def f40(): return 'cuda'\n" + _USE.format("f0()")).encode(),
        "entangled_names.py": (names + _USE.format("n0")).encode(),
        "entangled_classes.py": (bases + _USE.format("C0().device")).encode(),
        "own_base.py": ("class A(A): pass\nclass B(C): pass\nclass C(B): pass\n" + _USE.format("C().d")).encode(),
        "endless_recursion.py": ("def f(x): return f(f(x))\n" + _USE.format("f(f)")).encode(),
        "growing_strings.py": ("s = 'cuda'\n" + "s = s + s\n" * 60 + _USE.format("s")).encode(),
        "self_default.py": ("def f(a=None, *b, **f): return f(a=f)\n" + _USE.format("f().x[f]")).encode(),
        "star_cycle.py": b"from star_cycle import *\nfrom cycle_a import *\nimport torch\n"
        b"x = torch.zeros(1).to(DEVICE)\n",
        "quadratic_tests.py": ("def f(d):\n" + "    if d: return d\n" * 3_000 + _USE.format("f(1)")).encode(),
    }


def _hostile() -> dict[str, bytes]:
    touch = "__import__('pathlib').Path('EXECUTED').touch()"
    return {
        "runs_at_import.py": f"{touch}\nimport torch\n".encode(),
        "runs_in_decorator.py": f"@{touch}\ndef f(): pass\n".encode(),
        "runs_in_default.py": f"def f(x={touch}): pass\nclass A(metaclass={touch}): pass\n".encode(),
        "runs_in_annotation.py": f"x: {touch} = 1\nimport torch\ny = torch.zeros(1).to(x.device)\n".encode(),
        "torch.py": f"{touch}\nDEVICE = 'cuda'\n".encode(),
        "os.py": f"{touch}\n".encode(),
        "suppressions.py": b"# gaia: ignore[" + b"GA201," * 5_000 + b"]\n" + b"x = 1  # noqa: GA201\n" * 2_000,
        "odd name; rm -rf $(x).py": b"import torch\nx = torch.zeros(1).cuda()\n",
    }


def _notebooks() -> dict[str, bytes]:
    cells = {
        "commands.ipynb": ["!touch EXECUTED\n", "%run runs_at_import.py\n", "x = !touch EXECUTED\n"],
        "brackets.ipynb": ["(" * 200_000 + "\n% 3\n"],
        "quotes.ipynb": ['"\\' * 50_000 + "\n", "'''" * 9_999 + "\n%x\n"],
        "separators.ipynb": ["s = '\u2028 \x0c \x85'\r", "\nx = 1"],
        "half_character.ipynb": ["x = '\ud800'\n"],
        "not_code.ipynb": ["def f(:\n"],
        "many_commands.ipynb": ["%x\n"] * 100_000,
    }
    made = {name: _notebook({"cells": [{"cell_type": "code", "source": source}]}) for name, source in cells.items()}
    return made | {
        "broken.ipynb": b'{"cells": [',
        "deep.ipynb": b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "no_cells.ipynb": b'{"metadata": {}}',
        "numbers.ipynb": _notebook({"cells": [{"cell_type": "code", "source": [1, 2]}]}),
        "odd_cells.ipynb": _notebook({"cells": {"0": 3}, "metadata": []}),
        "old.ipynb": _notebook({"worksheets": [{"cells": []}], "nbformat": 3}),
        "huge_number.ipynb": b'{"cells": [' + b"9" * 5_000 + b"]}",
        "empty.ipynb": b"",
        "pointer.ipynb": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n",
        "python.ipynb": b"import torch\n",
    }


def _notebook(content: object) -> bytes:
    return json.dumps(content).encode()


def write(directory: Path) -> list[str]:
    """Write the files, and links that lead nowhere, in circles and out; return the names of all."""
    for name, data in nasty_files().items():
        (directory / name).write_bytes(data)
    links = {"loop.py": "loop.py", "nowhere.py": "absent.py", "circle": ".", "outside.py": os.devnull}
    for name, target in links.items():
        (directory / name).symlink_to(target)
    (directory / "directory.py").mkdir()
    return sorted([*nasty_files(), "loop.py", "nowhere.py", "directory.py", "absent.py"])


def main() -> None:
    """Write the files where asked to, else lint them and print what each came to."""
    if len(sys.argv) > 1:
        Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
        write(Path(sys.argv[1]))
        return
    from analyzers import lint

    with tempfile.TemporaryDirectory(prefix="gaia-nasty-") as name:
        names = write(Path(name))
        before = time.perf_counter()
        for result in lint(names, root=name):
            now = time.perf_counter()
            failures = [finding.message for finding in result.findings if finding.rule.startswith("GA9")]
            print(
                f"{(now - before) * 1000:8.1f} ms  {result.path:<28} {len(result.findings):6} findings  {failures[:1]}"
            )
            before = now
        print(f"executed: {(Path(name) / 'EXECUTED').exists() or Path('EXECUTED').exists()}")


if __name__ == "__main__":
    main()
