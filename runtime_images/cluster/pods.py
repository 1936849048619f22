"""What pods say of themselves, and what events say of pods that could not even be made.

A Revision that does not get ready says so late, and often only that something is not. The reason stands in its pods,
or, where there is none, in an event of what should have made them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

RUNTIME_CONTAINER = "user-container"
"""What Knative calls the container of the function, unless its template does; beside it is Knative's queue-proxy."""
SIDECAR = "queue-proxy"
METRICS_PORT = 9464
"""Where each pod of a function answers GET /metrics, and nothing else."""
EXIT_CODE = "ExitCode"
_STARTING = ("ContainerCreating", "PodInitializing")
WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of the cluster: what it is about (`kind` and `name`), its word for machines, and the sentence."""

    at: str
    kind: str
    name: str
    is_warning: bool
    code: str
    message: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with something: the cluster's word for machines (`code`), and a sentence that says it."""

    code: str
    words: str


def problem(code: str, message: str) -> Problem:
    """Return a problem whose sentence begins with its word."""
    return Problem(code, f"{code}: {message}" if code and message else code or message)


def problem_of(pod: Mapping[str, Any]) -> Problem | None:
    """Return what keeps a pod from serving; None where nothing does, or not yet."""
    status = pod.get("status") or {}
    if status.get("phase") == "Failed" and status.get("message"):
        return problem(status.get("reason", ""), status["message"])
    for found in status.get("conditions") or ():
        if found.get("type") == "PodScheduled" and found.get("status") == "False":
            return problem(found.get("reason", ""), found.get("message", ""))
    statuses = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return next((found for one in statuses if (found := _of_container(one)) is not None), None)


def pod_problem(pod: Mapping[str, Any]) -> str:
    """Return what keeps a pod from serving, in its own words; empty where nothing does, or not yet."""
    found = problem_of(pod)
    return found.words if found is not None else ""


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod takes requests."""
    status = pod.get("status") or {}
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in status.get("conditions") or ())
    return ready and "deletionTimestamp" not in pod["metadata"]


def container_of(pod: Mapping[str, Any]) -> str:
    """Return the name of the container that runs the function."""
    names = [one["name"] for one in pod["spec"].get("containers") or () if one["name"] != SIDECAR]
    return names[0] if names and RUNTIME_CONTAINER not in names else RUNTIME_CONTAINER


def happenings(
    events: Iterable[Mapping[str, Any]], names: Collection[str], revisions: Collection[str]
) -> list[Happening]:
    """Return the events of the objects of these names, and of what was made for these Revisions; the newest last."""
    found = [_happening(event) for event in events]
    about = [one for one in found if one.name in names or any(_is_of(one, revision) for revision in revisions)]
    return sorted(about, key=lambda one: one.at)


def last_warning(found: Iterable[Happening], revision: str) -> Problem | None:
    """Return the newest warning about a Revision, or what was to be made for it; None where there is none."""
    warnings = [one for one in found if one.is_warning and _is_of(one, revision)]
    return problem(warnings[-1].code, warnings[-1].message) if warnings else None


def _is_of(happening: Happening, revision: str) -> bool:
    return f"{happening.name}-".startswith(f"{revision}-")


def _of_container(status: Mapping[str, Any]) -> Problem | None:
    """Return a container's problem. The code of one that has ended is Knative's word for it, such as ExitCode137."""
    state, before = status.get("state") or {}, (status.get("lastState") or {}).get("terminated") or {}
    waiting, terminated = state.get("waiting") or {}, state.get("terminated") or {}
    code = waiting.get("reason") or ""
    if code in ("", *_STARTING) and not terminated.get("exitCode"):
        return None
    said = problem(code, waiting.get("message", "")).words
    ended = terminated or before
    how = ""
    if ended:
        how = f"ended with exit code {ended.get('exitCode')} {_in_brackets(ended.get('reason', ''))}".strip()
        how = problem(how, str(ended.get("message") or "").strip()).words
    words = f"container {status.get('name', '')}: {'; '.join(part for part in (said, how) if part)}"
    return Problem(f"{EXIT_CODE}{terminated['exitCode']}" if terminated.get("exitCode") else code, words)


def _in_brackets(text: str) -> str:
    return f"({text})" if text and text != "Error" else ""


def _happening(event: Mapping[str, Any]) -> Happening:
    about, series = event.get("involvedObject") or event.get("regarding") or {}, event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    at = next((time for time in times if time), event["metadata"].get("creationTimestamp", ""))
    return Happening(
        at=at,
        kind=about.get("kind", ""),
        name=about.get("name", ""),
        is_warning=event.get("type") == WARNING,
        code=event.get("reason", ""),
        message=event.get("message") or event.get("note") or "",
        count=int(series.get("count") or event.get("count") or 1),
    )
