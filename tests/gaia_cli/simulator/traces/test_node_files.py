from pathlib import Path

import pytest

from gaia_cli.errors import UsageError
from gaia_cli.simulator.traces.trace_files import read_node
from runtime_images.node.stretch import Stretch
from runtime_images.node.table import NODE_COLUMNS


def write(directory: Path, text: str) -> Path:
    path = directory / "node.csv"
    path.write_text(text)
    return path


def test_an_empty_field_is_as_in_the_row_above(tmp_path: Path) -> None:
    text = "from_s,gpu,power_w,gpu_w,gpu_price\n0,,60,40,\n100,no,,,\n200,yes,,,0.5\n"

    first, second, third = read_node(write(tmp_path, text))

    assert first == Stretch(0.0, power_w=60.0, gpu_w=40.0)
    assert second == Stretch(100.0, gpu=False, power_w=60.0, gpu_w=40.0)
    assert third == Stretch(200.0, power_w=60.0, gpu_w=40.0, gpu_price=0.5)


def test_columns_are_those_of_a_stretch() -> None:
    assert NODE_COLUMNS[:3] == ("from_s", "gpu", "power_w")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: missing columns: from_s"),
        ("gpu\nyes\n", "line 1: missing columns: from_s"),
        ("from_s,watts\n0,1\n", "line 1: there is no column watts"),
        ("from_s,\n0,1\n", "line 1: there is no column without a name"),
        ("from_s,gpu,gpu\n0,yes,no\n", "line 1: there are 2 columns gpu"),
        ("from_s,gpu\n", "line 1: the node has no rows"),
        ("from_s,gpu\n0,maybe\n", "line 2: gpu must be yes or no, not 'maybe'"),
        ("from_s,gpu_w\n0,-4\n", "line 2: gpu_w must be a number of 0 or more, not -4"),
        ("from_s,gpu_w\n0,nan\n", "line 2: gpu_w must be a number of 0 or more, not nan"),
        ("from_s,gpu_w\nnoon,1\n", "line 2: from_s is not a number: 'noon'"),
        ("from_s,gpu\n5,yes\n5,no\n", r"line 3: from_s 5 is not after the row above it \(5\)"),
        ("from_s,gpu\n1e9,yes\n", r"line 2: from_s 1e\+09 is over a year after the start"),
        ("from_s,gpu\n0,yes,3\n", "line 2: 3 fields instead of 2"),
        ("from_s,power_w,cpu_w\n0,5,10\n", "line 2: power_w 5 is too little for the CPU backend, which draws 10"),
        ("from_s,gpu\n0,yes\n9,no\n", "line 3: the last row leaves the node without a GPU"),
        ("from_s,power_w,gpu_w\n0,60,40\n9,20,\n", "line 3: the last row leaves the node without a GPU"),
    ],
)
def test_a_bad_node_is_refused_with_the_line_and_the_reason(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"node.csv, {message}"):
        read_node(write(tmp_path, text))


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the node"):
        read_node(tmp_path / "absent.csv")
