import pytest

from gaia_cli.views.glyphs import ASCII, UNICODE, sparkline
from gaia_cli.views.units import clock, latency, money, rate, share


@pytest.mark.parametrize(
    ("ms", "shown"),
    [(None, "-"), (0.0, "0.0 ms"), (4.23, "4.2 ms"), (9.96, "10 ms"), (41.4, "41 ms"), (999.4, "999 ms"),
     (999.6, "1.00 s"), (1240.0, "1.24 s"), (96_400.0, "96 s")],
)  # fmt: skip
def test_a_latency_has_about_three_figures(ms: float | None, shown: str) -> None:
    assert latency(ms) == shown


def test_a_clock_has_hours_only_where_there_are_any() -> None:
    assert [clock(at) for at in (0, 7.9, 61, 3723)] == ["0:00", "0:07", "1:01", "1:02:03"]


def test_small_amounts_differ() -> None:
    assert [money(amount, "USD") for amount in (0.00123, 0.5, 12.0)] == ["0.00123 USD", "0.5000 USD", "12.00 USD"]


def test_shares_and_rates() -> None:
    assert (share(None), share(0.973)) == ("-", "97 %")
    assert (rate(2.0), rate(12_345.6)) == ("2.0 /s", "12,346 /s")


def test_a_sparkline_reaches_from_the_lowest_block_to_the_full_one() -> None:
    assert sparkline([1, 50, None, 100], UNICODE) == "▁▄ █"
    assert sparkline([1, 100], ASCII) == "_#"
    assert sparkline([None, None], UNICODE) == "  "
    assert sparkline([], UNICODE) == ""
