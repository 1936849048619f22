import io
from pathlib import Path

import pytest
from rich.console import Console

from analyzers import Analysis, analyze
from gaia_cli.views.analysis import MOST_ENTRIES, show_analysis
from runtime_images.policy.model import Slo

_LONG = (
    "    result = some_function_with_a_name(payload, and_an_argument, "
    'and_another).something.to("cuda").something_else_again()\n'
)
_CODE = f"import torch\n\n\ndef handler(payload):\n{_LONG}"


def _analysis(root: Path, code: str = _CODE) -> Analysis:
    (root / "func.py").write_text(code, encoding="utf-8")
    return analyze(root)


def _drawn(analysis: Analysis, width: int = 80, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
    )
    show_analysis(analysis, "name", console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _marked(screen: str) -> str:
    """The text above the first mark."""
    lines = screen.splitlines()
    number = next(index for index, line in enumerate(lines) if "^" in line)
    start, end = lines[number].index("^"), lines[number].rindex("^") + 1
    return lines[number - 1][start:end]


def test_the_mark_stands_under_what_was_found(tmp_path: Path) -> None:
    code = 'import torch\n\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda")\n'

    assert _marked(_drawn(_analysis(tmp_path, code))) == 'torch.zeros(3).to("cuda")'


def test_an_slo_that_nothing_keeps_stands_above_the_reason(tmp_path: Path) -> None:
    code = (
        "import torch\ndef handler(payload):\n"
        "    a = torch.rand(9000, 9000)\n    return float(torch.matmul(a, a).to('cuda').sum())\n"
    )
    (tmp_path / "func.py").write_text(code)

    drawn = _drawn(analyze(tmp_path, slo=Slo(latency_p95_ms=1.0)), width=300)

    assert drawn.splitlines()[1].startswith("Neither can keep 1 ms: CPU ")


def test_wide_characters_before_it_do_not_shift_the_mark(tmp_path: Path) -> None:
    code = 'import torch\n\n\ndef handler(payload):\n    return ["größe", torch.zeros(3).to("cuda")]\n'

    assert _marked(_drawn(_analysis(tmp_path, code))) == 'torch.zeros(3).to("cuda")'


@pytest.mark.parametrize("width", [40, 80, 140])
def test_the_report_keeps_within_the_terminal(width: int, tmp_path: Path) -> None:
    for line in _drawn(_analysis(tmp_path), width).splitlines():
        assert len(line) <= width, line


def test_it_reads_the_same_with_and_without_colour(tmp_path: Path) -> None:
    analysis = _analysis(tmp_path)
    plain, coloured = _drawn(analysis), _drawn(analysis, colour=True)

    assert "\x1b[" in coloured
    assert "\x1b" not in plain
    for word in ("GA201", "func.py:5", "Confidence", "^"):
        assert word in plain


def test_control_characters_in_the_code_do_not_reach_the_terminal(tmp_path: Path) -> None:
    code = 'import torch\n\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda"), "\x1b[31m\x07"\n'

    screen = _drawn(_analysis(tmp_path, code))

    assert "\x1b" not in screen
    assert "\x07" not in screen


def test_brackets_in_the_code_are_no_markup(tmp_path: Path) -> None:
    code = 'import torch\n\n\ndef handler(payload):\n    return [torch.zeros(3).to("cuda")][0], "[bold]"\n'

    assert '"[bold]"' in _drawn(_analysis(tmp_path, code))


def test_findings_that_say_the_same_share_an_entry(tmp_path: Path) -> None:
    code = "import torch\n" + "".join(f'x{n} = torch.zeros(3).to("cuda")\n' for n in range(20))

    screen = _drawn(_analysis(tmp_path, code))

    assert screen.count("GA201") == 1
    assert "also func.py:3, func.py:4, func.py:5, func.py:6 and 15 more" in screen


def test_a_long_report_is_cut_and_says_so(tmp_path: Path) -> None:
    code = "import torch\n" + "".join(f"x{n} = torch.zeros(1000{n:03}, 100)\n" for n in range(MOST_ENTRIES + 5))

    assert "more: --output-format json lists all" in _drawn(_analysis(tmp_path, code))


def test_a_failure_comes_first(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("x = (\n")
    screen = _drawn(_analysis(tmp_path, "import broken\n" + _CODE))

    assert screen.index("GA901") < screen.index("GA201")
