"""What is declared of a function, beside what its code says: what the rules of the family 8xx read."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from analyzers.findings import Level, Place, Signal
from analyzers.lean.records import record
from analyzers.project.toml_places import place_of
from analyzers.rules.rule import Rule
from runtime_images.policy.model import ExecutionMode, Verdict


@record
class Declared:
    """A function's declarations beside its code's verdict.

    `configuration` is the name of the file that configures it, empty without one; `pin` the mode that it pins, at
    `pin_place`. `manifest` is the text of gaia.manifest.toml at `manifest_path`, None without one; `recorded` is what
    that text says, None when it is not valid; `current` what a manifest that is written now would say. `out_of_reach`
    says that no backend can keep the SLO, which stands at `slo_place`; it is empty where one can.
    """

    verdict: Verdict
    current: Mapping[str, Any]
    configuration: str = ""
    pin: ExecutionMode | None = None
    pin_place: Place = Place("", 1)
    manifest_path: str = ""
    manifest: str | None = None
    recorded: Mapping[str, Any] | None = None
    out_of_reach: str = ""
    slo_place: Place = Place("", 1)

    def recorded_in(self, table: str) -> Mapping[str, Any]:
        """Return a table of the manifest, empty when it has none of this name."""
        found = (self.recorded or {}).get(table, {})
        return found if isinstance(found, Mapping) else {}

    def place(self, table: str, key: str) -> Place:
        """Return where the manifest says `key` in `table`."""
        return place_of(self.manifest_path, self.manifest or "", table, key)


declaration_rule = partial(Rule[Declared], confidence=0.95, signal=Signal.CONTRADICTION, level=Level.WARNING, hook=True)
