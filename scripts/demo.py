"""`make demo`: the main job on samples/02-matmul, from the analysis to the summary, in under a minute after the set-up.

Fails unless traffic was promoted and demoted at least once and no request was lost: what the README promises
is what is checked.
"""

import argparse
import sys
from pathlib import Path

from gaia_cli.__main__ import guarded
from gaia_cli.commands.analyze import analyze
from gaia_cli.commands.run import RunOptions, run_function
from gaia_cli.errors import ExitCode
from gaia_cli.project.choices import AcceleratorName, EngineName
from gaia_cli.running.summary import RunSummary
from runtime_images.policy.model import Accelerator

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "02-matmul"

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
    summary = run_function(
        SAMPLE, RunOptions(EngineName(engine), AcceleratorName(accelerator), play=SAMPLE / "load.jsonl")
    )
    if summary.exit_code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        return summary.exit_code
    missing = what_is_missing(summary)
    print(f"\n{'The demo did not show everything: ' + ', '.join(missing) if missing else 'Everything was shown.'}")
    return ExitCode.FINDINGS if missing else ExitCode.OK


def what_is_missing(summary: RunSummary) -> list[str]:
    """Return what the demo promises and this run has not kept, in words."""
    promises = (
        (summary.count("promote") > 0, "no promotion happened"),
        (summary.count("demote") > 0, "no demotion happened"),
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
