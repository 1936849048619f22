"""Profiles of hardware, from hardware.toml beside this module: what a backend computes and reads in a second."""

import tomllib
from pathlib import Path

from analyzers.errors import AnalyzerError
from analyzers.records import record

_FILE = Path(__file__).with_name("hardware.toml")


@record
class Processor:
    """A CPU or a GPU: peak rates in FLOP/s and bytes/s, and the share of them that a framework commonly reaches."""

    flops_per_s: float
    bytes_per_s: float
    share: float

    def seconds(self, flops: float, read: float) -> float:
        """The time for `flops` operations that read `read` bytes: whichever of the two takes longer (a roofline)."""
        return max(flops / self.flops_per_s, read / self.bytes_per_s) / self.share


@record
class Hardware:
    """The two backends that a prediction compares; `name` is the GPU's profile."""

    name: str
    cpu: Processor
    gpu: Processor


def hardware(name: str = "") -> Hardware:
    """The profile called `name`, by default the one that the file names.

    Raises:
        AnalyzerError: there is no such profile.
    """
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    chosen = name or content["default"]
    if chosen not in content["gpu"]:
        raise AnalyzerError(f"no hardware profile {chosen!r}", f"use one of {', '.join(content['gpu'])}")
    return Hardware(chosen, _processor(content["cpu"]), _processor(content["gpu"][chosen]))


def _processor(table: dict[str, float]) -> Processor:
    return Processor(table["gflops"] * 1e9, table["gigabytes_per_s"] * 1e9, table["share"])
