"""The cost of the linter beside bandit, pylint and ruff, as ratios of medians taken in turns.

    python benchmarks/analyzer.py [--rounds 5] [--lines 200000] [--without-tree]

Commands are run in turns, so that a busy machine slows all of them alike. One file and a directory are compared by
processor time, the tree also by the clock, since two processes share its work there. Peers are taken from the
environment that runs this; what is not installed is said and left out. The tree is the standard library of the running
Python beside copies of a small serverless function, so nothing has to be fetched.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(sys.executable).parent
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

PLAIN = '''"""A function whose device is plain to see."""

import json

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

NAME = "distilbert-base-uncased"
device = "cuda" if torch.cuda.is_available() else "cpu"
tokenizer = AutoTokenizer.from_pretrained(NAME)
model = AutoModelForSequenceClassification.from_pretrained(NAME).to(device)


def classify(texts, size=16):
    labels = []
    for start in range(0, len(texts), size):
        batch = tokenizer(texts[start : start + size], padding=True, truncation=True, return_tensors="pt").to(device)
        with torch.no_grad():
            labels.extend(model(**batch).logits.argmax(dim=-1).tolist())
    return labels


def handler(payload):
    texts = payload.get("texts", [])
    if not texts:
        return {"error": "no texts"}
    return json.dumps({"labels": classify(texts)})
'''
OPEN = '''"""A function whose device only inference can tell."""

import torch


class Base:
    where = "cuda"

    def place(self, tensor):
        return tensor.to(self.where)


class Model(Base):
    pass


model = Model()
scale = torch.ones(1).to(model.where)


def handler(payload):
    return (scale * torch.ones(int(payload["n"])).to(model.where)).sum().item()
'''


@dataclass(frozen=True)
class Command:
    """Something to run: `name` is how the report calls it."""

    name: str
    words: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    before: Path | None = None
    """A directory to delete before each run, such as a cache."""


@dataclass(frozen=True)
class Cost:
    """What a run took: processor time of the process and its children, and time by the clock, in seconds."""

    cpu_s: float
    wall_s: float


def run(command: Command, directory: Path) -> Cost:
    """Run `command` in `directory`, its output thrown away."""
    if command.before is not None:
        shutil.rmtree(command.before, ignore_errors=True)
    started = time.perf_counter()
    process = subprocess.Popen(
        command.words,
        cwd=directory,
        env={**ENVIRONMENT, **command.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - started)


def medians(commands: Sequence[Command], directory: Path, rounds: int) -> dict[str, Cost]:
    """The median cost of each command by its name, after one run that does not count."""
    for command in commands:
        run(command, directory)
    costs: dict[str, list[Cost]] = {command.name: [] for command in commands}
    for _ in range(rounds):
        for command in commands:
            costs[command.name].append(run(command, directory))
    return {
        name: Cost(statistics.median(cost.cpu_s for cost in taken), statistics.median(cost.wall_s for cost in taken))
        for name, taken in costs.items()
    }


def peer(name: str, *words: str) -> list[Command]:
    """The command of a peer, none when this environment does not have it."""
    program = BIN / name
    return [Command(name, (str(program), *words))] if program.exists() else []


def gaia(name: str, *words: str, before: Path | None = None, **environment: str) -> Command:
    """A command of Gaia's."""
    return Command(name, (str(BIN / "gaia"), *words), environment, before)


def show(title: str, costs: dict[str, Cost], target: str, *, by_clock: bool = False) -> None:
    """Print what each command took, and Gaia's ratio to each other."""
    print(f"\n{title}  (wanted: {target})")
    for name, cost in costs.items():
        print(f"  {name:<24} {cost.cpu_s * 1000:9.1f} ms of processor time {cost.wall_s * 1000:9.1f} ms by the clock")
    for name, cost in costs.items():
        if name.startswith("gaia"):
            ratios = [
                f"{_of(cost, by_clock) / _of(other, by_clock):.2f}x {peer_name}"
                for peer_name, other in costs.items()
                if not peer_name.startswith("gaia")
            ]
            print(f"  {name}: {', '.join(ratios)}")


def _of(cost: Cost, by_clock: bool) -> float:
    return cost.wall_s if by_clock else cost.cpu_s


def start(root: Path, rounds: int) -> None:
    """The start of the program."""
    commands = [_PASS, gaia("gaia --version", "--version"), gaia("gaia --help", "--help")]
    show("start", medians(commands, root, rounds), "--version at most 2x pass, --help at most 15x")


def one_file(root: Path, rounds: int) -> None:
    """One file: plain, cached, and with inference."""
    (root / "plain").mkdir()
    (root / "plain" / "func.py").write_text(PLAIN)
    (root / "open").mkdir()
    (root / "open" / "func.py").write_text(OPEN)
    bandit, pylint = peer("bandit", "-q", "func.py"), peer("pylint", "-j1", "func.py")
    plain = [
        _PASS,
        gaia("gaia lint", "lint", "--no-cache", "func.py"),
        gaia("gaia lint, cached", "lint", "func.py"),
        *bandit,
    ]
    show("one file", medians(plain, root / "plain", rounds), "at most 3.5x pass and 0.35x bandit")
    inferred = [_PASS, gaia("gaia lint", "lint", "--no-cache", "func.py"), *bandit, *pylint]
    show(
        "one file with inference",
        medians(inferred, root / "open", rounds),
        "at most 12x pass, 1.0x bandit and 0.2x pylint",
    )


def directory(root: Path, rounds: int) -> None:
    """Twenty files that import each other, cold and warm."""
    home = root / "twenty"
    home.mkdir()
    for number in range(20):
        helper = f"from part{(number + 1) % 20:02} import classify as other{number}\n"
        filler = "".join(f"\n\ndef step{n}(x):\n    total = x + {n}\n    return [total, x]\n" for n in range(20))
        (home / f"part{number:02}.py").write_text((OPEN if number % 4 == 0 else PLAIN) + helper + filler)
    commands = [
        _PASS,
        gaia("gaia lint", "lint", "--no-cache", "."),
        gaia("gaia lint, warm", "lint", "."),
        *peer("bandit", "-q", "-r", "."),
        *peer("pylint", "-j1", "--recursive=y", "."),
        *peer("ruff", "check", "--no-cache", "--isolated", "."),
    ]
    show("twenty files", medians(commands, home, rounds), "cold 0.59x bandit and 0.04x pylint, warm at most 3x pass")


def tree(root: Path, rounds: int, lines: int) -> None:
    """A tree, by the clock; pylint is run once, since it takes minutes."""
    home = root / "tree"
    files, written = make_tree(home, lines)
    print(f"\na tree of {files} files, {written} lines")
    cache = home / ".gaia_cache"
    commands = [
        gaia("gaia lint, cold", "lint", ".", before=cache),
        *peer("bandit", "-q", "-r", "."),
        *peer("ruff", "check", "--no-cache", "--isolated", "."),
    ]
    show("tree, cold", medians(commands, home, rounds), "0.20x bandit, 8x ruff", by_clock=True)
    warm = [gaia("gaia lint, warm", "lint", "."), *peer("ruff", "check", "--no-cache", "--isolated", ".")]
    show("tree, warm", medians(warm, home, rounds), "faster than ruff", by_clock=True)
    for pylint in peer("pylint", "-j2", "--recursive=y", "."):
        print(f"  pylint, once, 2 processes: {run(pylint, home).wall_s:.1f} s by the clock (wanted: gaia 40x faster)")


def make_tree(home: Path, lines: int) -> tuple[int, int]:
    """Write a tree of about `lines` lines and return how many files and lines it has."""
    library = Path(sysconfig.get_path("stdlib"))
    files = written = 0
    for path in sorted(library.rglob("*.py")):
        relative = path.relative_to(library)
        if written >= lines:
            break
        if {"site-packages", "test", "tests", "lib2to3"} & set(relative.parts):
            continue
        text = path.read_bytes()
        _write(home / "library" / relative, text)
        function = (OPEN if files % 8 == 0 else PLAIN).encode()
        _write(home / "functions" / f"function{files:04}" / "func.py", function)
        files += 2
        written += text.count(b"\n") + function.count(b"\n")
    return files, written


_PARSE = """
import ast, pathlib, warnings
warnings.simplefilter("ignore")
for path in pathlib.Path().rglob("*.py"):
    try:
        ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        pass
"""


def reading(root: Path, rounds: int) -> None:
    """Linting and analyzing code that imports itself throughout, beside parsing each of its files once."""
    commands = [
        Command("parse", (sys.executable, "-c", _PARSE)),
        gaia("gaia lint", "lint", "--no-cache", "."),
        gaia("gaia analyze", "analyze", "."),
    ]
    show("a library, against parsing it", medians(commands, root / "tree" / "library", rounds), "as low as it goes")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def closed_world(root: Path, rounds: int) -> None:
    """The same file with big packages called torch and transformers on the path, and without."""
    home, packages = root / "open", root / "packages"
    for package in ("torch", "transformers"):
        for number in range(200):
            _write(packages / package / f"part{number}.py", PLAIN.encode() * 5)
        imports = "".join(f"from {package}.part{number} import *\n" for number in range(200))
        _write(packages / package / "__init__.py", imports.encode())
    words = ("lint", "--no-cache", "--output-format", "json", "func.py")
    commands = [gaia("gaia lint", *words), gaia("gaia lint, with torch", *words, PYTHONPATH=str(packages))]
    costs = medians(commands, home, rounds)
    outputs = [
        subprocess.run(
            command.words, cwd=home, env={**ENVIRONMENT, **command.environment}, capture_output=True, check=False
        ).stdout
        for command in commands
    ]
    ratio = costs[commands[1].name].cpu_s / costs[commands[0].name].cpu_s
    print("\ntorch and transformers importable  (wanted: the same output, at most 1.15x)")
    print(f"  the same output: {outputs[0] == outputs[1] and bool(outputs[0])}, {ratio:.2f}x the processor time")


_PEAK = """
import os, resource, sys
from gaia_cli.__main__ import main
sys.stdout = open(os.devnull, "w")
main(sys.argv[1:])
own = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""


def memory(root: Path, *, with_tree: bool) -> None:
    """The most memory that a process takes, from its own account."""
    print("\nmemory  (wanted: at most 40 MiB for one function, 150 MiB a worker)")
    for name in ("plain", "open", *(["tree"] if with_tree else [])):
        words = [sys.executable, "-c", _PEAK, "lint", "--no-cache", "."]
        ended = subprocess.run(words, cwd=root / name, env=ENVIRONMENT, capture_output=True, text=True, check=True)
        own, worker = (int(word) / 1024 for word in ended.stderr.split()[-2:])
        print(f"  {name:<8} {own:6.1f} MiB" + (f", the largest worker {worker:.1f} MiB" if worker else ""))


_PASS = Command("pass", (sys.executable, "-c", "pass"))


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--without-tree", action="store_true")
    options = parser.parse_args()
    missing = [name for name in ("bandit", "pylint", "ruff") if not (BIN / name).exists()]
    if missing:
        print(f"not in this environment, so not compared with: {', '.join(missing)} (pip install {' '.join(missing)})")
    with tempfile.TemporaryDirectory(prefix="gaia-bench-") as name:
        root = Path(name)
        start(root, options.rounds)
        one_file(root, options.rounds)
        directory(root, options.rounds)
        closed_world(root, options.rounds)
        if not options.without_tree:
            tree(root, max(options.rounds // 2, 1), options.lines)
            reading(root, max(options.rounds // 2, 1))
        memory(root, with_tree=not options.without_tree)


if __name__ == "__main__":
    main()
