"""docs/simulate.md names what there is."""

from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from gaia_cli.app import app
from gaia_cli.simulator.results.as_json import as_object
from gaia_cli.simulator.results.comparison import POLICY_NAMES, compare
from gaia_cli.simulator.traces.generators import GENERATORS
from gaia_cli.simulator.traces.trace_files import CLIENT_COLUMN, COLUMNS, CONDITIONS_COLUMN
from gaia_cli.simulator.world.scenario import Scenario
from runtime_images.node.table import NODE_COLUMNS
from tests.gaia_cli.simulator.support import closed

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "simulate.md").read_text("utf-8")
REFERENCE = (Path(__file__).resolve().parents[3] / "docs" / "reference.md").read_text("utf-8")


@pytest.mark.parametrize(
    "name", [*GENERATORS, *POLICY_NAMES, *COLUMNS, CLIENT_COLUMN, CONDITIONS_COLUMN, *NODE_COLUMNS]
)
def test_the_page_names_generators_policies_and_columns(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_the_page_explains_every_field_of_the_result() -> None:
    result: Any = as_object([compare(closed(3), Scenario())], [])

    fields = {*result, *result["policies"][0], *result["policies"][0]["timeline"][0]}
    assert [field for field in fields if f"`{field}`" not in PAGE and field != "policy"] == []


def test_the_reference_lists_every_option() -> None:
    command = get_command(app).commands["simulate"]  # type: ignore[attr-defined]
    flags = [option.opts[0] for option in command.params if option.opts[0].startswith("--")]

    assert [flag for flag in flags if f"`{flag}" not in REFERENCE] == []
