"""Whatever is wrong with a file becomes a finding with its place, and never a silent `cpu`."""

import os
import sys
from pathlib import Path

import pytest

from analyzers import AnalyzerError, analyze, lint
from analyzers.findings import Signal
from analyzers.lean.files import TEXT_BYTES
from analyzers.rules.rule import Hits, Rule
from tests.analyzers.support import analysis_of, facts_of, project

_GOOD = "import torch\nimport broken\n\ndef handler(payload):\n    return torch.zeros(3).cuda()\n"

BROKEN = {
    "syntax error": (b"x = 1\ndef f(:\n", "GA901", 2),
    "python 2": (b"print 'hello'\n", "GA901", 1),
    "mixed tabs": (b"if 1:\n        x = 1\n\ty = 2\n", "GA901", 3),
    "null byte": (b"x = 1\ny = '\0'\n", "GA903", 2),
    "utf-16": ("x = 1\n".encode("utf-16"), "GA903", 1),
    "not utf-8": (b"a = 1\nb = 2\nx = '\xe9'\n", "GA903", 3),
    "unknown codec": (b"# -*- coding: klingon -*-\nx = 1\n", "GA903", 1),
    "huge": (b"x = 1\n" * (TEXT_BYTES // 6 + 1), "GA902", 1),
    "deep parentheses": (
        b"x = " + b"(" * 150 + b"1" + b")" * 150 + b"\n" + b"y = " + b"-" * 100_000 + b"1\n",
        "GA904",
        1,
    ),
}


@pytest.mark.parametrize(("data", "code", "line"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_cannot_be_read_is_a_finding_and_the_rest_is_analyzed(
    data: bytes, code: str, line: int, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_bytes(data)

    analysis = analysis_of(tmp_path, _GOOD)

    assert [(finding.rule, finding.place.path, finding.place.line) for finding in analysis.failures] == [
        (code, "broken.py", line)
    ]
    assert analysis.mode == "gpu"
    assert analysis.confidence <= 0.5
    assert "not everything could be analyzed" in analysis.reason


def test_an_entry_point_that_cannot_be_parsed_is_a_failure(tmp_path: Path) -> None:
    analysis = analysis_of(tmp_path, "def handler(payload:\n")

    assert [(finding.rule, finding.excerpt) for finding in analysis.failures] == [("GA901", "def handler(payload:")]
    assert analysis.mode == "cpu_preferred"


@pytest.mark.parametrize(
    "code",
    [
        "# -*- coding: latin-1 -*-\nname = '\xe9'\n".encode("latin-1"),
        "\ufeffx = 1\n".encode(),
        b"x = 1\r\ny = 2\r\n",
        b"",
        b"x = 1",
        b"".join(b"if a == 1:\n    pass\n" if n == 0 else b"elif a == %d:\n    pass\n" % n for n in range(800)),
        b"x = " + b" + ".join([b"y"] * 800) + b"\n",
        b"x = y" + b".a()" * 400 + b"\n",
        b"x = x\nx = x + x\ndef f(a=f):\n    return f(a)\nclass C(C):\n    pass\n",
        b"\n".join(b"x%d = x%d + x%d + x%d" % (n % 9, (n * 7) % 9, (n * 5) % 9, (n * 2) % 9) for n in range(300)),
        b"import torch\nx = 10 ** 10 ** 10\ny = 'a' * 10 ** 12\nz = 1 << 10 ** 10\n",
    ],
    ids=[
        "latin-1",
        "bom",
        "crlf",
        "empty",
        "no newline",
        "elifs",
        "long sum",
        "long chain",
        "recursive",
        "entangled",
        "huge numbers",
    ],
)
def test_odd_but_valid_files_are_analyzed(code: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_bytes(code)

    analysis = analysis_of(tmp_path, _GOOD)

    assert analysis.failures == ()
    assert analysis.mode == "gpu"


def test_a_rule_that_crashes_is_a_finding_of_its_own() -> None:
    from analyzers.rules.examination import examine

    def crash(_facts: object) -> Hits:
        raise ZeroDivisionError("boom")

    rule = Rule("GA299", "crash", "", "", 0.5, Signal.WORK, crash)
    findings = list(examine([rule], facts_of("import torch")))

    assert [(finding.rule, finding.signal) for finding in findings] == [("GA906", Signal.FAILURE)]
    assert "GA299" in findings[0].message


def test_there_must_be_something_to_analyze(tmp_path: Path) -> None:
    with pytest.raises(AnalyzerError, match="there is nothing at"):
        analyze(tmp_path / "missing")
    with pytest.raises(AnalyzerError, match="no Python file"):
        analyze(tmp_path)
    (tmp_path / "notes.txt").write_text("import torch")
    with pytest.raises(AnalyzerError, match="not a Python file"):
        analyze(tmp_path / "notes.txt")


def test_malformed_dependency_lists_do_no_harm(tmp_path: Path) -> None:
    root = project(tmp_path, pyproject_toml="[project\n", requirements_txt="???\n-r other.txt\n\x00\nvllm\n")

    analysis = analysis_of(root, "def handler(payload):\n    return 1\n")

    assert {evidence.path for evidence in analysis.evidence} == {"requirements.txt"}
    assert [failure.message for failure in analysis.failures] == ["-r other.txt names a file that is not there"]


def test_a_long_chain_of_calls_costs_no_more_than_its_length(tmp_path: Path) -> None:
    chain = "image = modal.Image.debian_slim()" + ".pip_install('torch')" * 60 + ".run_commands('vllm serve x')"

    analysis = analysis_of(tmp_path, f"import modal\n{chain}\n")

    assert not analysis.failures
    assert "GA211" in {finding.rule for finding in analysis.findings}


def test_syntax_of_another_python_is_told_apart_from_what_gaia_runs_on(tmp_path: Path) -> None:
    (failure,) = analysis_of(tmp_path, "print 'x'\n").failures

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert failure.message.startswith(f"the code is not valid for Python {version}, which")


def test_a_pipe_in_the_place_of_a_file_holds_nothing_up(tmp_path: Path) -> None:
    root = project(tmp_path, func_py=_GOOD)
    for name in ("broken.py", "requirements.txt"):
        os.mkfifo(root / name)

    assert analyze(root).mode == "gpu"
    (failure,) = list(lint(["func.py", "broken.py"], root=root, cache_dir=root / "cache"))[1].findings
    assert (failure.rule, failure.message) == ("GA908", "the file cannot be read: Not a regular file")
