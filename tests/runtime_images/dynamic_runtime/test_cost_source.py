"""`[cost] source` in the real runtime: an HTTP server says what the node gives and costs, and the policy heeds it."""

from pathlib import Path

from tests.runtime_images.node.test_place import server
from tests.support.processes import eventually
from tests.support.serving import serving, write_function

ECHO = """
    def handler(payload):
        return payload
"""


def test_a_runtime_reads_its_nodes_prices_and_keeps_the_address_s_secrets_out_of_its_events(tmp_path: Path) -> None:
    with server(b"from_s,cpu_price,power_w\n0,0.25,60\n") as (host, _):
        source = f"http://user:pass@{host}/table?token=secret"
        with serving(write_function(tmp_path, ECHO), GAIA_COST_SOURCE=source, GAIA_WINDOW_S="0.2") as running:
            said = running.event("cost_source")
            first = running.state()["totals"]
            assert eventually(lambda: running.state()["totals"]["cpu_seconds"] > first["cpu_seconds"] + 1.0)
            second = running.state()["totals"]
        written = str(running.events)

    assert (said["source"], said["problem"], said["rows"]) == (f"http://{host}/table", "", 1)
    spent = (second["cost"] - first["cost"]) / (second["cpu_seconds"] - first["cpu_seconds"])
    assert 0.24 < spent < 0.26
    assert "secret" not in written
    assert "pass@" not in written


def test_a_gpu_that_the_node_does_not_give_now_is_left(tmp_path: Path) -> None:
    (tmp_path / "node.csv").write_text("from_s,gpu\n0,no\n")
    with serving(write_function(tmp_path, ECHO), GAIA_COST_SOURCE="node.csv", GAIA_MODE="gpu_preferred") as running:
        moved = running.event("switch", lambda event: event["phase"] == "moved")
        decided = running.event("decision", lambda event: event["chosen"] == "cpu")

    assert moved["to"] == "cpu"
    assert decided["rule"] == "lost"


def test_a_source_that_cannot_be_read_is_told_and_changes_nothing(tmp_path: Path) -> None:
    with serving(write_function(tmp_path, ECHO), GAIA_COST_SOURCE="absent.csv") as running:
        said = running.event("cost_source")
        answer = running.post({"id": 1})

    assert (said["source"], said["rows"]) == ("absent.csv", 0)
    assert "No such file" in said["problem"]
    assert answer.json() == {"id": 1}
