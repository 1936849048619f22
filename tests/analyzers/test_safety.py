"""The analyzed code is read and never run, and nothing outside the project is opened on its behalf."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from runtime_images.policy.model import ExecutionMode
from tests.analyzers.support import analysis_of, project
from tests.support.notebooks import notebook

_UNKNOWN_DEVICE = (
    "import torch\nimport helper\nimport json\nfrom os import path\n\nclass A:\n"
    "    dev = helper.NAME\nclass B(A):\n    pass\n\n"
    "b = B()\n\ndef handler(payload):\n    return torch.zeros(3).to(b.dev)\n"
)


def _python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def test_code_is_never_executed_or_imported(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    hostile = f"open({str(marker)!r}, 'w').write('x')\n"
    code = hostile + _UNKNOWN_DEVICE + f"\n@__import__('os').system('touch {marker}')\ndef other(): pass\n"

    analysis = analysis_of(tmp_path / "function", code, helper_py=hostile + 'NAME = "cuda"\n', setup_py=hostile)

    assert analysis.mode is ExecutionMode.GPU
    assert not marker.exists()
    assert "helper" not in sys.modules


def test_nothing_outside_the_project_is_opened(tmp_path: Path) -> None:
    function = project(tmp_path / "function", func_py=_UNKNOWN_DEVICE, helper_py='NAME = "cuda"\n')
    project(tmp_path / "elsewhere", torch_py="raise SystemExit\n", json_py="raise SystemExit\n")
    code = """
        import sys
        sys.path.insert(0, sys.argv[2])
        opened = []
        sys.addaudithook(lambda event, values: opened.append(str(values[0])) if event == "open" else None)
        from analyzers import analyze
        assert analyze(sys.argv[1]).mode == "gpu"
        print("\\n".join(opened))
    """
    package = Path(__file__).parents[2]
    opened = [Path(line) for line in _python(code, str(function), str(tmp_path / "elsewhere")).splitlines()]
    allowed = (function, package / "analyzers", package / "runtime_images", Path(sys.prefix), Path(sys.base_prefix))

    assert any(path.is_relative_to(function) for path in opened)
    assert [
        path for path in opened if path.is_absolute() and not any(path.is_relative_to(root) for root in allowed)
    ] == []
    assert not [path for path in opened if "site-packages" in path.parts and "astroid" not in str(path)]


_MARKS = "open({marker!r}, 'w').write('x')\n__import__('socket').create_connection(('192.0.2.1', 9))\n"
"""Leaves a mark, and would reach for the network (an address that is kept for documentation)."""
_WATCHED = """
    import os, sys
    forbidden = "socket. subprocess. os.system os.exec os.spawn os.posix_spawn os.fork ctypes. urllib. pty. shutil."
    def watch(event, values):
        if event == "open":
            opened.append(os.path.abspath(os.fsdecode(values[0])) if isinstance(values[0], (str, bytes)) else "")
        elif event.startswith(tuple(forbidden.split())):
            done.append(event)
    opened, done = [], []
    sys.addaudithook(watch)
    from gaia_cli.__main__ import main
    code = main(sys.argv[1:])
    sys.stdout.flush()
    print("\\n".join(opened), "\\n".join(done), code, sep="\\0", file=sys.stderr)
"""


def _hostile(root: Path) -> Path:
    """A project in which everything that could be taken for a module, a plugin or a command leaves a mark."""
    marks = _MARKS.format(marker=str(root / "EXECUTED"))
    names = [
        "torch",
        "json",
        "typing",
        "astroid",
        "libcst",
        "sitecustomize",
        "conftest",
        "setup",
        "build/lib",
        "pkg/__init__",
    ]
    cells = (
        "import torch\n!touch EXECUTED\n%run helper.py\n",
        f"%%bash\ntouch {root / 'EXECUTED'}\n",
        marks + _UNKNOWN_DEVICE,
    )
    project(root, {f"{name}.py": marks for name in names})
    project(
        root,
        {
            "func.py": marks + _UNKNOWN_DEVICE + 'x = torch.zeros(1).to("cuda")\n',
            "helper.py": f'{marks}NAME = "cuda"\n',
        },
    )
    project(root, {"cells.ipynb": notebook(*cells), "gaia.toml": "[function]\nname = 'f'\n[slo]\nlatency_p95_ms = 5\n"})
    project(root, {"requirements.txt": "-e file:///etc\n--index-url http://192.0.2.1/\n", ".git/HEAD": "ref: x\n"})
    (root / "outside.py").symlink_to("/etc/hostname")
    (root / "passwords.ipynb").symlink_to("/etc/hostname")
    return root


@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze", "."],
        ["analyze", "cells.ipynb"],
        ["analyze", "func.py", "--write"],
        ["lint", "--select", "ALL", "func.py", "helper.py", "cells.ipynb", "torch.py"],
        ["lint", "--select", "ALL"],
        ["lint", "--fix", "func.py", "cells.ipynb"],
        ["lint", "--diff", "--output", "sarif:out.sarif", "func.py"],
        ["manifest", "."],
    ],
    ids=" ".join,
)
def test_no_command_runs_reaches_or_opens_anything_for_hostile_files(tmp_path: Path, arguments: list[str]) -> None:
    root = _hostile(tmp_path / "project")
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(_WATCHED), *arguments],
        cwd=root, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    opened, events, code = done.stderr.rpartition("hint:")[2].split("\0")
    package = Path(__file__).parents[2]
    allowed = (
        root,
        package / "analyzers",
        package / "gaia_cli",
        package / "runtime_images",
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path(os.environ["GAIA_CACHE_DIR"]),
    )

    assert code.strip() in ("0", "1"), done.stderr
    assert not (root / "EXECUTED").exists()
    assert events.strip() == ""
    paths = [Path(line) for line in opened.splitlines() if line.startswith("/")]
    assert [path for path in paths if not any(path.is_relative_to(place) for place in allowed)] == []
    assert any(path.is_relative_to(root) for path in paths)


def test_a_link_out_of_the_project_is_named_and_not_followed(tmp_path: Path) -> None:
    outside = project(tmp_path / "outside", secret_py='DEVICE = "cuda"\n') / "secret.py"
    function = project(tmp_path / "function", func_py="")
    (function / "secret.py").symlink_to(outside)

    analysis = analysis_of(
        function, "import torch\nimport secret\n\ndef handler(p):\n    return torch.zeros(1).to(secret.DEVICE)\n"
    )

    (failure,) = analysis.failures
    assert failure.place.path == "secret.py"
    assert failure.message == "the file cannot be read: it leads out of the directory"
    assert analysis.mode is ExecutionMode.CPU_PREFERRED


def test_a_function_without_open_questions_never_starts_astroid(tmp_path: Path) -> None:
    function = project(
        tmp_path, func_py='import torch\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda")\n'
    )
    code = """
        import sys
        import analyzers, analyzers.manifest
        from analyzers.formats import as_json
        as_json.render(analyzers.analyze(sys.argv[1]))
        heavy = "astroid rich typer docker asyncio importlib.metadata httptools uvloop numpy tomllib"
        print(*sorted(set(heavy.split()) & set(sys.modules)))
    """

    assert _python(code, str(function)) == ""


def test_inference_leaves_astroid_as_it_was(tmp_path: Path) -> None:
    code = """
        import sys
        import astroid
        from astroid.manager import AstroidManager
        astroid.extract_node("1")
        before, denylist = dict(AstroidManager().astroid_cache), AstroidManager().module_denylist
        from analyzers import analyze
        analyze(sys.argv[1])
        print(AstroidManager().astroid_cache == before, AstroidManager().module_denylist == denylist)
        print(next(astroid.extract_node("import json\\njson.loads").infer()).qname())
    """
    function = project(tmp_path, func_py=_UNKNOWN_DEVICE, helper_py='NAME = "cuda"\n')

    assert _python(code, str(function)) == "True True\njson.loads"


def test_one_inference_does_not_colour_the_next(tmp_path: Path) -> None:
    modes = [
        analysis_of(tmp_path / str(number), _UNKNOWN_DEVICE, helper_py=f'NAME = "{name}"\n').mode
        for number, name in enumerate(("cuda", "cpu", "cuda"))
    ]

    assert modes == [ExecutionMode.GPU, ExecutionMode.CPU, ExecutionMode.GPU]
