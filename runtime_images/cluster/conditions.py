"""Readings of an object's status: what it says of this generation, and never what it said of the one before."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Readiness(StrEnum):
    """How far an object has got with what was asked of it."""

    READY = "ready"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; `status` is True, False or Unknown, `code` the word for machines (in the API `reason`).

    `since` is when it last changed, as the API writes times; empty where it does not say.
    """

    type: str
    status: str
    code: str
    message: str
    since: str = ""


def condition(object_: Mapping[str, Any] | None, type_: str = "Ready") -> Condition | None:
    """Return a condition of an object, None where its controller has not written one yet."""
    for found in ((object_ or {}).get("status") or {}).get("conditions") or ():
        if found.get("type") == type_:
            return Condition(
                type_,
                found.get("status", "Unknown"),
                found.get("reason", ""),
                found.get("message", ""),
                found.get("lastTransitionTime", ""),
            )
    return None


def is_current(object_: Mapping[str, Any]) -> bool:
    """Return whether the status is about the object's present generation; the answer to a write has the old one."""
    return bool((object_.get("status") or {}).get("observedGeneration") == object_["metadata"].get("generation"))


def readiness(object_: Mapping[str, Any] | None) -> Readiness:
    """Return how far the object's present generation has got."""
    ready = condition(object_)
    if object_ is None or ready is None or not is_current(object_) or ready.status == "Unknown":
        return Readiness.WAITING
    return Readiness.READY if ready.status == "True" else Readiness.FAILED


def is_being_deleted(object_: Mapping[str, Any]) -> bool:
    """Return whether the object is on its way out: a write to it is accepted, and lost."""
    return "deletionTimestamp" in object_["metadata"]
