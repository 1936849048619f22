"""How the shared options of the verbs for a cluster are read."""

import pytest
import typer

from gaia_cli.verbs.cluster_options import duration_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("2m", 120), ("1h30m", 5400), ("500ms", 0.5), ("1.5m", 90), ("45", 45), (60.0, 60), ("24h", 86400)],
)
def test_a_time_is_read_as_kubectl_writes_it(text: str | float, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-5s", "60 s", "s", "1d", "25h", "1e3", "nan", "1.2.3", "60ss", "٣s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 60s, 2m or 1h30m"):
        duration_s(text)
