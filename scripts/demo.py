"""`make demo`: the main job on samples/02-matmul, from the analysis to the summary, in under a minute after the set-up.

Fails unless traffic was promoted and demoted at least once and no request was lost: what the README promises
is what is checked. When either happens depends on the machine and on whoever else uses it. So where the load is over
and one of them has not happened, what brings it goes on: large requests until the promotion, small ones until the
demotion, for at most three times as long as the load.
"""

import argparse
import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from gaia_cli.__main__ import guarded
from gaia_cli.commands.analyze import analyze
from gaia_cli.commands.run import RunOptions, run_function
from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import AcceleratorName, EngineName
from gaia_cli.running.history import RunHistory
from gaia_cli.running.playing.load import Load, PlannedRequest
from gaia_cli.running.playing.requests_file import read_requests
from gaia_cli.running.summary import RunSummary
from runtime_images.events.decisions import SwitchKind
from runtime_images.policy.model import Accelerator

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "02-matmul"
LOAD = SAMPLE / "load.jsonl"
PATIENCE = 3.0
"""How many times as long as its load the demo waits for both switches."""
SMALL_EVERY_S, LARGE_EVERY_S = 1 / 6, 1 / 4
"""Time between the requests that follow the load, as in the load."""

INTRODUCTION = """\
The main job of Gaia, on a function that multiplies matrices:

  1. gaia analyze   reads the code and says which execution mode it needs
  2. gaia run       serves it while a load grows and shrinks: it is promoted
                    to the GPU when the CPU misses the SLO, and demoted when
                    the CPU is enough again
"""


def demo(engine: str, accelerator: str) -> ExitCode:
    """Run the demo; `ExitCode.OK` only if everything that it is to show has happened."""
    print(INTRODUCTION)
    code = analyze(SAMPLE)
    if code:
        return code
    print()
    options = RunOptions(EngineName(engine), AcceleratorName(accelerator), play=LOAD)
    encore = Encore(read_requests(LOAD))
    summary = run_function(SAMPLE, options, more=encore.next)
    if summary.exit_code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        return summary.exit_code
    missing = what_is_missing(summary, encore.until_s)
    print(f"\n{'The demo did not show everything: ' + ', '.join(missing) if missing else 'Everything was shown.'}")
    return ExitCode.FINDINGS if missing else ExitCode.OK


@dataclass
class Encore:
    """What is played after the load, until both switches have been seen, or until `until_s`."""

    load: Load
    until_s: float = field(init=False)
    _at_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._at_s = self.load.requests[-1].at_s
        self.until_s = PATIENCE * self._at_s

    def next(self, history: RunHistory) -> PlannedRequest | None:
        """Return the request that brings what has not happened yet; None where all has, or the time is over."""
        moved = {switch.kind for switch in history.switches if switch.moved is not None}
        if SwitchKind.PROMOTE not in moved:
            return self._after(LARGE_EVERY_S, max(self.load.requests, key=_size))
        return None if SwitchKind.DEMOTE in moved else self._after(SMALL_EVERY_S, min(self.load.requests, key=_size))

    def _after(self, seconds: float, like: PlannedRequest) -> PlannedRequest | None:
        self._at_s += seconds
        return None if self._at_s > self.until_s else replace(like, at_s=self._at_s)


def _size(request: PlannedRequest) -> int:
    return int(json.loads(request.body)["size"])


def what_is_missing(summary: RunSummary, within_s: float) -> list[str]:
    """Return what the demo promises and this run has not kept within that time, in words."""
    promises = (
        (summary.count("promote") > 0, f"no promotion happened within {within_s:.0f} s"),
        (summary.count("demote") > 0, f"no demotion happened within {within_s:.0f} s"),
        (summary.failures == 0, f"{summary.failures} requests failed"),
        (summary.requests > 0, "no request was served"),
    )
    return [broken for kept, broken in promises if not kept]


def main() -> int:
    """Parse the arguments and run; an expected failure is one sentence, as for `gaia` itself."""
    parser = argparse.ArgumentParser(description="Analyze and run samples/02-matmul under a load.")
    parser.add_argument("--engine", choices=("process", "docker", "auto"), default="process")
    parser.add_argument("--accelerator", choices=("auto", *Accelerator), default="auto")
    arguments = parser.parse_args()
    return guarded(lambda: demo(arguments.engine, arguments.accelerator), sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
