"""How the functions on a cluster look: a table of all, and all of one. Columns of plain text, for eyes and for grep."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from analyzers.lean.printable import printable
from gaia_cli.targets.outputs import BackendReport, DescribeOutput, FunctionRow, TrafficReport
from gaia_cli.views import console
from runtime_images.cluster.words import time_s

_GAP = "  "
_DIGEST = 12
"""Digits of a digest that are shown: as many as docker shows."""
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


def show_list(functions: Sequence[FunctionRow], now: datetime, *, with_namespace: bool) -> None:
    """Write a line for each function, below a line of titles."""
    titles = ["NAME", "MODE", "BACKEND", "TRAFFIC", "READY", "AGE", "URL", "IMAGE"]
    lines = [
        [
            one["name"],
            _mode(one),
            one["backend"] or "-",
            _split(one["traffic"]),
            _ready(one),
            age(one["deployed_at"], now),
            one["url"] or "-",
            short_image(one["image"]),
        ]
        for one in functions
    ]
    if with_namespace:
        titles, lines = (
            ["NAMESPACE", *titles],
            [[f["namespace"], *line] for f, line in zip(functions, lines, strict=True)],
        )
    console.result(_columns([titles, *lines]))


def show_description(said: DescribeOutput, now: datetime) -> None:
    """Write all that is known of a function, the parts apart."""
    parts = [_head(said, now), *[_backend(one) for one in said["backends"]], _decisions(said, now), _events(said, now)]
    parts.append([f"unknown    {one}" for one in said["unknown"]])
    console.result("\n\n".join("\n".join(part) for part in parts if part))


def age(time: str, now: datetime) -> str:
    """Return how long ago a time of the cluster was: 4m, 3h, 12d."""
    at_s = time_s(time)
    if at_s is None:
        return "-"
    seconds = now.timestamp() - at_s
    for unit_s, unit in _UNITS:
        if seconds >= unit_s:
            return f"{int(seconds // unit_s)}{unit}"
    return f"{max(int(seconds), 0)}s"


def short_image(image: str) -> str:
    """Return an image with the first digits of its digest."""
    name, at, digest = image.partition("@sha256:")
    return f"{name}@{digest[:_DIGEST]}" if at else image or "-"


def now_utc() -> datetime:
    """Return the time, as ages are counted from it."""
    return datetime.now(UTC)


def _head(said: DescribeOutput, now: datetime) -> list[str]:
    by = f" by {said['deployed_by']}" if said["deployed_by"] else ""
    from_ = f" from {said['origin'] or said['project']}" if said["project"] else ""
    facts = [
        ("ready", "being deleted" if said["deleting"] else "yes" if said["ready"] else "no"),
        *[("", problem) for problem in said["problems"]],
        ("url", said["url"] or "-"),
        ("mode", _mode(said)),
        ("image", said["image"] or "-"),
        ("deployed", f"{age(said['deployed_at'], now)} ago{by}{from_}" if said["deployed_at"] else f"-{by}{from_}"),
        ("where", f"namespace {said['namespace']}, context {said['context']}"),
        *_traffic(said["routing"], said["would"], now),
    ]
    return [printable(said["name"]), *_facts(facts)]


def _traffic(traffic: TrafficReport, would: str, now: datetime) -> list[tuple[str, str]]:
    facts = [("traffic", _split(traffic["confirmed"]))]
    if not traffic["is_confirmed"]:
        facts.append(("", f"not yet what is asked for: {_split(traffic['wanted'])}"))
    if traffic["revisions"]:
        facts.append(("", f"on a revision by its name: {', '.join(traffic['revisions'])}"))
    if not traffic["is_gaias"]:
        since = traffic["held_since"]
        facts.append(("held", f"by {traffic['held_by']} since {since} ({age(since, now)} ago), not by Gaia"))
        facts.append(("", would or "what the policy would do is unknown: no controller has said anything of it"))
        facts.append(("", "gaia unpin takes the traffic back"))
    if traffic["pinned"]:
        facts.append(("pinned", f"to {traffic['pinned']}"))
    return [*facts, ("paused", "yes: the controller leaves it alone")] if traffic["paused"] else facts


def _backend(one: BackendReport) -> list[str]:
    state = "ready" if one["ready"] else "not ready"
    facts = [
        ("revision", one["serving"] or "none was ever ready"),
        ("waited for", one["awaited"]),
        ("superseded", ", ".join(one["superseded"])),
        ("problem", one["problem"]),
        ("url", one["url"]),
        ("image", one["image"]),
        ("env", ", ".join(_variable(name, one["secrets"].get(name, "")) for name in one["variables"])),
    ]
    kept = [fact for fact in facts if fact[1]]
    return [f"backend {one['backend']}: {state}", *_facts(kept), *_pods(one)]


def _variable(name: str, secret: str) -> str:
    return f"{name} (secret {secret})" if secret else name


def _pods(one: BackendReport) -> list[str]:
    if one["pods"] is None:
        return _facts([("pods", "unknown")])
    if not one["pods"]:
        return _facts([("pods", "none: scaled to zero, nobody asks for it" if one["scaled_to_zero"] else "none")])
    lines = [
        [pod["name"], "ready" if pod["ready"] else pod["phase"] or "-", pod["node"] or "-", _restarts(pod["restarts"])]
        for pod in one["pods"]
    ]
    shown = [*_columns(lines).splitlines()]
    messages = [pod["message"] for pod in one["pods"]]
    return [
        line
        for row, message in zip(shown, messages, strict=True)
        for line in (f"  {row}", *([f"    {printable(message)}"] if message else []))
    ]


def _restarts(times: int) -> str:
    return f"{times} restarts" if times else ""


def _decisions(said: DescribeOutput, now: datetime) -> list[str]:
    if not said["decisions"]:
        return ["decisions: none"]
    lines = [[f"  {age(one['at'], now)} ago", one["chosen"], one["reason"]] for one in said["decisions"]]
    return ["decisions", *_columns(lines).splitlines()]


def _events(said: DescribeOutput, now: datetime) -> list[str]:
    if not said["events"]:
        return [] if said["events"] is None else ["events: none"]
    lines = [
        [
            f"  {age(one['at'], now)} ago",
            "warning" if one["warning"] else "",
            one["reason"],
            one["object"],
            one["message"] + (f" (seen {one['count']} times)" if one["count"] > 1 else ""),
        ]
        for one in said["events"]
    ]
    return ["events", *_columns(lines).splitlines()]


def _mode(one: FunctionRow | DescribeOutput) -> str:
    """Return the mode, and what a GPU is where one may serve."""
    is_emulated = one["accelerator"] == "emulated" and one["mode"] != "cpu"
    return (one["mode"] or "-") + (" (emulated GPU)" if is_emulated else "")


def _split(shares: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {percent}%" for name, percent in shares.items()) or "-"


def _ready(one: FunctionRow) -> str:
    if one["ready"]:
        return "yes"
    parts = dict.fromkeys(": ".join(problem.split(": ")[:2]) for problem in one["problems"])
    return f"no ({'; '.join(parts)})"


def _facts(facts: Iterable[tuple[str, str]]) -> list[str]:
    return [f"  {name:<11}{printable(text)}" for name, text in facts]


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as lines, each column as wide as its widest cell."""
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return "\n".join(
        _GAP.join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown
    )
