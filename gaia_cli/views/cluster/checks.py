"""How checks look: a line each, with what to change below the ones that failed; the same as JSON for programs."""

from collections.abc import Sequence
from typing import Annotated, TypedDict

from analyzers.formats.schema_version import SchemaVersion
from gaia_cli.targets.checks import Check, State
from gaia_cli.views import console
from gaia_cli.views.outputs import OUTPUT_SCHEMA

_MARKS = {State.OK: "ok", State.FAILED: "FAILED", State.UNKNOWN: "unknown", State.SKIPPED: "-"}
_WIDTH = max(map(len, _MARKS.values()))


class CheckOutput(TypedDict):
    """One check."""

    name: Annotated[str, "what was looked at"]
    state: Annotated[str, "`ok`, `failed`, `unknown` (this user may not read it) or `skipped` (not needed)"]
    message: Annotated[str, "what came out"]
    hint: Annotated[str, "what to change; may be empty"]


class DoctorOutput(TypedDict):
    """What was checked."""

    schema_version: SchemaVersion
    place: Annotated[str, "what was looked at: this machine, or a cluster with its namespace and user"]
    checks: Annotated[list[CheckOutput], "the checks, in their order"]


def show_checks(place: str, checks: Sequence[Check], *, as_json: bool) -> None:
    """Write the checks of a place to standard output."""
    if as_json:
        made: DoctorOutput = {
            "schema_version": OUTPUT_SCHEMA,
            "place": place,
            "checks": [
                {"name": one.name, "state": one.state.value, "message": one.message, "hint": one.hint} for one in checks
            ],
        }
        console.json_line(made)
        return
    console.line(place)
    width = max((len(one.name) for one in checks), default=0)
    for one in checks:
        console.line(f"  {_MARKS[one.state]:{_WIDTH}}  {one.name:{width}}  {one.message}")
        if one.hint and one.state is not State.OK:
            console.line(f"  {'':{_WIDTH}}  {'':{width}}  {one.hint}")
