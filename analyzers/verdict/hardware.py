"""Profiles of hardware: what a backend computes and reads in a second. They are data, in TOML.

hardware.toml beside this module has those that Gaia knows. A file of one's own has the same form: a table `[gpu.NAME]`
for each GPU, `default` to choose among several, and `[cpu]` where the processor is another one than Gaia's.
"""

from collections.abc import Mapping
from pathlib import Path

from analyzers.errors import AnalyzerError
from analyzers.lean import toml
from analyzers.lean.files import TEXT_BYTES, open_regular, read_bounded
from analyzers.lean.records import record

_FILE = Path(__file__).with_name("hardware.toml")
_KEYS = ("gflops", "gigabytes_per_s", "share")


@record
class Processor:
    """A CPU or a GPU: peak rates in FLOP/s and bytes/s, and the share of them that a framework commonly reaches."""

    flops_per_s: float
    bytes_per_s: float
    share: float

    def seconds(self, flops: float, read: float) -> float:
        """Return the time for `flops` operations that read `read` bytes: the longer of the two (a roofline)."""
        return max(flops / self.flops_per_s, read / self.bytes_per_s) / self.share


@record
class Hardware:
    """The two backends that a prediction compares; `name` is the GPU's profile."""

    name: str
    cpu: Processor
    gpu: Processor


def is_file_name(text: str) -> bool:
    """Return whether `text` is the path of a file with profiles rather than the name of one that Gaia knows."""
    return "/" in text or text.endswith(".toml")


def hardware(profile: str = "") -> Hardware:
    """Return the profile with this name, or that of the TOML file with this path; without either the default one.

    Raises:
        AnalyzerError: there is no such profile or file, or what the file says is no profile.
    """
    known = _read(_FILE)
    if is_file_name(profile):
        return _chosen(profile, {"cpu": known["cpu"]} | _read(Path(profile)), "")
    names = ", ".join(_table(known, "gpu"))
    if profile and profile not in _table(known, "gpu"):
        raise AnalyzerError(f"no hardware profile {profile!r}", f"use one of {names}, or the path of a TOML file")
    return _chosen(_FILE.name, known, profile)


def _chosen(place: str, content: Mapping[str, object], name: str) -> Hardware:
    gpus = _table(content, "gpu")
    wanted = name or str(content.get("default", next(iter(gpus)) if len(gpus) == 1 else ""))
    if wanted not in gpus:
        what = f"no [gpu.{wanted}]" if wanted else f"{len(gpus) or 'no'} GPUs and no default"
        raise AnalyzerError(f"{place} has {what}", 'name one of its tables: [gpu.NAME] and default = "NAME"')
    cpu = _processor(f"{place}: [cpu]", content.get("cpu"))
    gpu = _processor(f"{place}: [gpu.{wanted}]", gpus[wanted])
    return Hardware(wanted, cpu, gpu)


def _read(path: Path) -> dict[str, object]:
    try:
        with open_regular(str(path)) as file:
            return toml.loads(read_bounded(file, str(path), TEXT_BYTES).decode())
    except OSError as error:
        hint = "give a TOML file with a table [gpu.NAME]"
        raise AnalyzerError(f"cannot read the hardware profile {path}: {error.strerror}", hint) from None
    except (ValueError, RecursionError) as error:
        raise AnalyzerError(f"{path} is not valid TOML: {error}", "correct the syntax") from None


def _table(content: Mapping[str, object], key: str) -> Mapping[str, object]:
    table = content.get(key)
    return table if isinstance(table, dict) else {}


def _processor(place: str, table: object) -> Processor:
    known = table if isinstance(table, dict) else {}
    gflops, gigabytes, share = (_number(place, known, key) for key in _KEYS)
    if share > 1:
        raise AnalyzerError(f"{place} share must be at most 1", "it is a share of the peak")
    return Processor(gflops * 1e9, gigabytes * 1e9, share)


def _number(place: str, table: Mapping[str, object], key: str) -> float:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise AnalyzerError(f"{place} {key} must be a number above 0", f"its keys are {', '.join(_KEYS)}")
    return float(value)
