"""What a mode rule is: it holds what is declared of a function's mode against what its code says.

What it finds is no evidence either, but a contradiction between two files; it stands at the line that declares.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from analyzers.facts.model import Place
from analyzers.lean.records import record
from analyzers.rules.model import Finding, Signal
from runtime_images.policy.model import ExecutionMode, Verdict


@record
class Declared:
    """A function's declarations beside its code's verdict.

    `configuration` is the name of the file that configures it, empty without one; `pin` the mode that it pins, at
    `pin_place`. `manifest` is the text of gaia.manifest.toml at `manifest_path`, None without one; `recorded` what that
    text says, None when it cannot be read; `current` what a manifest that is written now would say.
    """

    verdict: Verdict
    current: Mapping[str, Any]
    configuration: str = ""
    pin: ExecutionMode | None = None
    pin_place: Place = Place("", 1)
    manifest_path: str = ""
    manifest: str | None = None
    recorded: Mapping[str, Any] | None = None

    @property
    def needs(self) -> bool:
        """Whether the code fails without a GPU."""
        return self.verdict.mode is ExecutionMode.GPU

    def recorded_in(self, table: str) -> Mapping[str, Any]:
        """A table of the manifest, empty when it has none of this name."""
        found = (self.recorded or {}).get(table, {})
        return found if isinstance(found, Mapping) else {}


Contradictions = Iterator[tuple[Place, str]]


@record
class ModeRule:
    """A rule of the family 8xx; the fields are those of `Rule`.

    An example is several files, each below a line `# NAME`.
    """

    code: str
    name: str
    summary: str
    rationale: str
    check: Callable[[Declared], Contradictions]
    matches: tuple[str, ...]
    passes: tuple[str, ...]

    def findings(self, declared: Declared) -> Iterator[Finding]:
        """Everything this rule finds."""
        for place, message in self.check(declared):
            yield Finding(self.code, place, message, 0.0, Signal.CONTRADICTION)
