"""The other files of a function's directory: requirements, configuration, dependency lists, manifests, ignore files.

A case is the number of a file and its content. Every command reads the directory: with a result, or an error that says
what is wrong, never an exception, and in little time.
"""

import contextlib
import io
import shutil
from random import Random

from analyzers import analyze
from benchmarks.fuzz_analyzer import GAIAS_OWN
from gaia_cli.commands.manifest import manifest
from gaia_cli.errors import GaiaError
from gaia_cli.images.context import ignored_by
from gaia_cli.project.project import load_lint, load_project
from tests.fuzz.chance import NASTY, damaged, pumped
from tests.fuzz.fuzzer import FuzzerInDirectory

_PUMPED_BYTES = 50_000
_REQUIREMENTS = b"""numpy>=2
torch==2.1.0+cu121 ; python_version > '3.8'  # why
--extra-index-url https://download.pytorch.org/whl/cu121
-r other.txt
-e .
helper @ file:./x.whl
onnxruntime-gpu[a,b]~=1.0 \\
  --hash=sha256:abc
"""
_YAML = b"""build:
  gpu: true
  python_packages:
    - torch==2.1
    - 'numpy'
requirements: [torch, "x"]
dependencies:
  - python=3.11
  - pip:
    - torch
packages:
- onnxruntime-gpu
"""
_GAIA_TOML = b"""[function]
name = "a"
requirements = ["numpy"]
pin = "gpu"
[slo]
latency_p95_ms = 100
[lint]
select = ["GA1"]
ignore = []
[lint.per-file-ignores]
"*.py" = ["GA2"]
[prices]
cpu_per_hour = 0.1
"""
_PYPROJECT = b"""[project]
dependencies = ["torch==2.1", "numpy"]
[tool.gaia.function]
name = "a"
[tool.gaia.slo]
error_rate = 0.1
[tool.poetry.dependencies]
torch = {version = "^2.1", extras = ["cuda"]}
x = "*"
"""
_MANIFEST = b"""schema_version = 1
[mode]
value = "cpu"
confidence = 0.5
[sources]
digest = "x"
files = ["func.py"]
"""
SEEDS = {
    "requirements.txt": _REQUIREMENTS,
    "requirements-gpu.txt": _REQUIREMENTS,
    "gaia.toml": _GAIA_TOML,
    "pyproject.toml": _PYPROJECT,
    "func.yaml": b"specVersion: 0.36.0\nname: my-function # c\nruntime: python\nname : 'other'\n",
    "gaia.manifest.toml": _MANIFEST,
    ".gaiaignore": b"# c\n*.pyc\n!keep/\n/data/**\na[^b]c\n\\#x\n**/z\n a \n",
    ".dockerignore": b"node_modules\n!x\n*/*/y?\n",
    "setup.cfg": b"[options]\ninstall_requires =\n    torch>=2\n    numpy\n[metadata]\nurl = https://x/whl/cu121\n",
    "setup.py": b"from setuptools import setup\nsetup(install_requires=['torch==2.1', 'x'], name='a')\n",
    "Pipfile": b'[packages]\ntorch = "==2.1"\nnumpy = {version = "*"}\n',
    "cerebrium.toml": b'[cerebrium.dependencies.pip]\ntorch = "2.1"\n',
    "cog.yaml": _YAML,
    "config.yaml": _YAML,
    "environment.yml": _YAML,
    "bentofile.yaml": _YAML,
}
_NAMES = tuple(SEEDS)
_WORDS = (
    b"\n", b"  ", b"- ", b"-", b"x", b"?", b"=", b"==", b"~=", b";", b" ; ", b"[", b"[[", b"]", b".", b"a.a.", b'"""',
    b"'''", b"1979-05-27", b"-r ", b"-r requirements.txt\n", b"-c x\n", b"--find-links ", b"\\\n", b"$", b"${A}",
    b"http://", b"https://a/whl/", b"@ ", b"#", b"&a ", b"*a", b"<<: ", b"!!python/object:x ", b"|\n", b">\n",
    b"%YAML", b"---\n", b"torch", b"==2.1", b"!", b"**/", b"*", b"a*", b"[!", b"{a,b}", b"0x", b"inf", b"nan", b"-1",
    b"true", b"{", b"}", b"install_requires", b"name:", b": ", b"dependencies = ", b"../", b"/etc/passwd",
)  # fmt: skip


class Projects(FuzzerInDirectory):
    """Gives damaged files to all that reads a function's directory."""

    name = "projects"
    limit_s = 8.0

    def make(self, random: Random) -> bytes:
        number = random.randrange(len(_NAMES))
        text = SEEDS[_NAMES[number]]
        for _ in range(random.randint(1, 3)):
            text = damaged(random, text, _WORDS + NASTY)
        if random.random() < 0.15:
            text = pumped(random, text, _PUMPED_BYTES, _WORDS + NASTY)
        return bytes([number]) + text

    def check(self, case: bytes) -> None:
        if not case:
            return
        function = self.directory / "function"
        shutil.rmtree(function, ignore_errors=True)
        function.mkdir()
        (function / "func.py").write_text("import torch\n\n\ndef handler(payload):\n    return torch.zeros(3)\n")
        (function / _NAMES[case[0] % len(_NAMES)]).write_bytes(case[1:])
        with contextlib.suppress(GaiaError):
            load_project(function)
        with contextlib.suppress(GaiaError):
            load_lint(function, function)
        with contextlib.suppress(GaiaError):
            ignored = ignored_by(function)
            for path in ("func.py", "a/b/c.py", "a" * 40, ".env"):
                ignored(path)
        failed = [finding.message for finding in analyze(function).findings if finding.rule in GAIAS_OWN]
        assert not failed, failed[0]
        printed = io.StringIO()
        with contextlib.suppress(GaiaError), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            manifest([function])
