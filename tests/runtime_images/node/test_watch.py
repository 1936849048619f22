"""How the node is now and later, and what is told of a source that cannot be read."""

import os
from pathlib import Path

import pytest

from runtime_images.node.stretch import AS_EVER
from runtime_images.node.table import read_table
from runtime_images.node.watch import NodeWatch, Now, Table
from tests.support.processes import eventually

ORBIT = b"""from_s,gpu,power_w,cpu_w,gpu_w,gpu_price,joule_price
0,yes,60,10,40,0.002,0.0000002
3600,,25,,,,0.000001
5700,,60,,,0.001,
7000,no,,,,,
"""


def test_a_row_counts_until_the_next_one_and_the_loss_of_the_gpu_is_known_beforehand() -> None:
    table = Table(read_table(ORBIT), written_s=1000.0)

    first, dark, again, away = (table.at(1000.0 + at) for at in (100.0, 4000.0, 6000.0, 8000.0))

    assert (first.stretch.gpu_price, first.gpu_for_s) == (0.002, 3500.0)
    assert (dark.stretch.power_w, dark.stretch.lacks_power, dark.gpu_for_s) == (25.0, True, 3000.0)
    assert (again.stretch.gpu_price, again.gpu_for_s) == (0.001, 1000.0)
    assert (away.stretch.gpu, away.gpu_for_s) == (False, None)


def test_before_the_first_row_and_without_any_nothing_is_known() -> None:
    assert Table().at(5.0) == Now(AS_EVER)
    assert Table(read_table(b"from_s,gpu\n100,no\n"), 1000.0).at(1050.0) == Now(AS_EVER, 50.0)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "line 1: missing columns: from_s"), (b"from_s,cpu\n0,1\n", "there is no column cpu"),
        (b"from_s\n", "the node has no rows"), (b"from_s,power_w\n0,much\n", "line 2: power_w is not a number"),
        (b"from_s,gpu\n0\n", "1 fields instead of 2"), (b"\xff\xfe", "decode"), (b"from_s\n5\n5\n", "line 3"),
    ],
)  # fmt: skip
def test_a_table_that_makes_no_sense_is_refused_with_its_line(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_table(data)


def test_the_last_good_values_are_kept_and_each_change_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "node.csv"
    file.write_bytes(ORBIT)
    os.utime(file, (1000.0, 1000.0))
    watch = NodeWatch("node.csv", tmp_path, wall=lambda: 1100.0, every_s=0.02)
    told = []

    def told_about(problem: str) -> bool:
        if (news := watch.news()) is not None:
            told.append(news)
        return bool(told) and problem in told[-1].problem

    try:
        assert eventually(lambda: told_about(""))
        good = watch.now()
        file.write_text("from_s,gpu\n0,maybe\n")
        assert eventually(lambda: told_about("gpu must be yes or no"))
        kept = watch.now()
        file.unlink()
        assert eventually(lambda: told_about("No such file"))
        file.write_text("from_s,gpu_price\n0,0.5\n")
        os.utime(file, (1000.0, 1000.0))
        assert eventually(lambda: watch.now().stretch.gpu_price == 0.5)
        assert eventually(lambda: told_about("") and not told[-1].problem)
    finally:
        watch.stop()

    assert kept == good
    assert told[0].problem == ""
    assert {news.source for news in told} == {"node.csv"}
    assert [news.rows for news in told[:2]] == [4, 4]


def test_without_a_source_nothing_is_read_and_nothing_told(tmp_path: Path) -> None:
    watch = NodeWatch("", tmp_path)

    assert watch.now() == Now(AS_EVER)
    assert watch.news() is None
