"""Kubernetes' quantities: `500m`, `1Gi`, `2`, `1e3`. Pure."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

_QUANTITY = re.compile(
    r"([+-]?(?:\d{1,30}+(?:\.\d{0,30}+)?+|\.\d{1,30}+))(?:([eE][+-]?\d{1,2}+)|([numkKMGTPE]i?+)?+)", re.ASCII
)
_FACTORS = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1), "k": Decimal(1000),
    "M": Decimal(1000) ** 2, "G": Decimal(1000) ** 3, "T": Decimal(1000) ** 4, "P": Decimal(1000) ** 5,
    "E": Decimal(1000) ** 6, "Ki": Decimal(1024), "Mi": Decimal(1024) ** 2, "Gi": Decimal(1024) ** 3,
    "Ti": Decimal(1024) ** 4, "Pi": Decimal(1024) ** 5, "Ei": Decimal(1024) ** 6,
}  # fmt: skip

Sizes = dict[str, Decimal]
"""Resource names to amounts."""


def quantity(written: object) -> Decimal:
    """Return an amount; what is none counts as nothing, since the server has checked what it holds."""
    match = _QUANTITY.fullmatch(str(written))
    if match is None or (match[3] or "") not in _FACTORS:
        return Decimal(0)
    return Decimal(match[1] + (match[2] or "")) * _FACTORS[match[3] or ""]


def sizes(written: Mapping[str, Any] | None) -> Sizes:
    """Return amounts by resource."""
    return {name: quantity(value) for name, value in (written or {}).items()}


def total(parts: Iterable[Mapping[str, Decimal]]) -> Sizes:
    """Return the sum of amounts by resource."""
    whole: Sizes = {}
    for part in parts:
        for name, amount in part.items():
            whole[name] = whole.get(name, Decimal(0)) + amount
    return whole


def shown(amount: Decimal, resource: str) -> str:
    """Return an amount for people: memory in the largest unit that divides it, the rest as a number."""
    if resource.endswith(("memory", "storage")):
        for unit in ("Gi", "Mi", "Ki"):
            if amount and amount % _FACTORS[unit] == 0:
                return f"{amount / _FACTORS[unit]:f}{unit}"
    return f"{amount.normalize():f}"
