"""The conditions that a recording was made under: they travel with it, so that its replay needs no flag.

They are JSON in a column of their own, in the first row. pandas, DuckDB, polars and a spreadsheet read such a file as
it is; lines of comments before the header stop the first two of these, and a second file is left behind. What is not
said is left to the options, and what a newer version says beyond this is passed over.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf, isfinite
from statistics import median
from typing import Any, TypeVar

from gaia_cli.simulator.defaults import MOST_AT_ONCE
from runtime_images.node.table import LARGEST, LONGEST_S
from runtime_images.policy.model import ExecutionMode

Made = TypeVar("Made")

STARTS_MOST = 500
"""Starts of a backend that are written down, so that a row stays one that any reader takes; later ones are as these."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is known of a run; None is what is not. `slo_p95_s` is inf where no latency was asked for.

    Prices are in `currency` a second; `cpu_starts_s` and `gpu_starts_s` are how long the backends' starts took, in
    their order; `version` is that of Gaia. `cpu_expected_s` and `gpu_expected_s` are what the policy took for the time
    of the next start, before the first one, after it, and so on; None where it did not know. It first decided
    `first_decision_s` after the start, and then at equal intervals.
    """

    mode: ExecutionMode | None = None
    slo_p95_s: float | None = None
    window_s: float | None = None
    slots: int | None = None
    cpu_price: float | None = None
    gpu_price: float | None = None
    cpu_starts_s: tuple[float, ...] = ()
    gpu_starts_s: tuple[float, ...] = ()
    cpu_expected_s: tuple[float | None, ...] = ()
    gpu_expected_s: tuple[float | None, ...] = ()
    first_decision_s: float | None = None
    currency: str = ""
    version: str = ""

    @property
    def scenario(self) -> dict[str, Any]:
        """What of it are conditions of a replay, by the names that a scenario has for them.

        A backend that never started is taken to take as long as the other one.
        """
        known = {
            "mode": self.mode, "slo_p95_s": self.slo_p95_s, "window_s": self.window_s, "slots": self.slots,
            "cpu_price": self.cpu_price, "gpu_price": self.gpu_price,
            "start_cpu_s": _usual(self.cpu_starts_s or self.gpu_starts_s), "cpu_starts_s": self.cpu_starts_s,
            "start_gpu_s": _usual(self.gpu_starts_s or self.cpu_starts_s), "gpu_starts_s": self.gpu_starts_s,
            "cpu_expected_s": self.cpu_expected_s, "gpu_expected_s": self.gpu_expected_s,
            "first_decision_s": self.first_decision_s,
        }  # fmt: skip
        return {name: value for name, value in known.items() if value is not None}

    def text(self) -> str:
        """Return the JSON that `read_conditions` takes."""
        slo_ms = None if self.slo_p95_s in (None, inf) else round(1000 * self.slo_p95_s, 6)
        said = {
            "gaia": self.version, "mode": self.mode, "slo_p95_ms": slo_ms, "slo_window_s": self.window_s,
            "slots": self.slots, "cpu_price": self.cpu_price, "gpu_price": self.gpu_price, "currency": self.currency,
            "start_cpu_s": _short(self.cpu_starts_s), "start_gpu_s": _short(self.gpu_starts_s),
            "first_decision_s": self.first_decision_s,
            "expected_cpu_s": _short(self.cpu_expected_s), "expected_gpu_s": _short(self.gpu_expected_s),
        }  # fmt: skip
        return json.dumps(said)


def read_conditions(text: str) -> Conditions:
    """Return the conditions that a text holds.

    Raises:
        ValueError: it is no JSON object, or a value makes no sense; the message names it.
    """
    said = _object(text)
    slo_ms = _value(said, "slo_p95_ms", _above_zero)
    return Conditions(
        mode=_value(said, "mode", _mode),
        slo_p95_s=inf if slo_ms is None and "slo_p95_ms" in said else slo_ms and slo_ms / 1000.0,
        window_s=_value(said, "slo_window_s", _above_zero),
        slots=_value(said, "slots", _count),
        cpu_price=_value(said, "cpu_price", _number),
        gpu_price=_value(said, "gpu_price", _number),
        cpu_starts_s=_value(said, "start_cpu_s", _starts) or (),
        gpu_starts_s=_value(said, "start_gpu_s", _starts) or (),
        cpu_expected_s=_value(said, "expected_cpu_s", _expected) or (),
        gpu_expected_s=_value(said, "expected_gpu_s", _expected) or (),
        first_decision_s=_value(said, "first_decision_s", _number),
        currency=str(said.get("currency", "")),
        version=str(said.get("gaia", "")),
    )


def _object(text: str) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        if isinstance(said := json.loads(text), dict):
            return said
    raise ValueError("conditions must be a JSON object, as gaia run --record writes it")


def _value(said: dict[str, Any], name: str, make: Callable[[Any], Made]) -> Made | None:
    """Return what `make` makes of a value; None where it is not said, or null."""
    value = said.get(name)
    if value is None:
        return None
    try:
        return make(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"conditions: {name} makes no sense: {str(value)[:40]!r}") from None


def _mode(value: object) -> ExecutionMode:
    return ExecutionMode(str(value))


def _number(value: float) -> float:
    if isinstance(value, bool) or not isfinite(value) or not 0.0 <= value <= LARGEST:
        raise ValueError
    return float(value)


def _above_zero(value: float) -> float:
    if _number(value) == 0.0:
        raise ValueError
    return float(value)


def _count(value: float) -> int:
    if _number(value) != int(value) or not 1 <= value <= MOST_AT_ONCE:
        raise ValueError
    return int(value)


def _starts(values: Sequence[float]) -> tuple[float, ...]:
    starts_s = tuple(map(_number, values))
    if max(starts_s, default=0.0) > LONGEST_S:
        raise ValueError
    return starts_s


def _expected(values: Sequence[float | None]) -> tuple[float | None, ...]:
    known = iter(_starts([one for one in values if one is not None]))
    return tuple(None if one is None else next(known) for one in values)


def _short(seconds: Sequence[float | None]) -> list[float | None]:
    return [None if one is None else round(one, 4) for one in seconds[:STARTS_MOST]]


def _usual(starts_s: Sequence[float]) -> float | None:
    return median(starts_s) if starts_s else None
