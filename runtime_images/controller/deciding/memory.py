"""What the controller writes on a Route and reads there again: its last decisions, and what the policy has learned.

Both stand in the same write as the traffic, so they cost none of their own. What is relearned within seconds is left
out. Times count from the moment of the write, so that clocks of two machines need not agree; how much later it is read
is the difference of two times of day, and never more than a day nor less than nothing. What cannot be read is nothing:
the policy learns anew.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, replace
from typing import Any

from runtime_images.cluster import words
from runtime_images.cluster.traffic import Split
from runtime_images.controller.deciding.actions import Decided, Failure, FunctionState, Moment, Move
from runtime_images.controller.deciding.sight import Seen
from runtime_images.controller.deciding.weighing import policy_settings
from runtime_images.policy.model import Backend
from runtime_images.policy.pauses import switch_pause_s
from runtime_images.policy.state import (
    BackendMemory,
    CostAccount,
    Level,
    Plan,
    Point,
    PolicyState,
    Rhythm,
    initial_state,
)

_TIMES = frozenset({
    "at", "breach_at", "demotions", "finished_at", "floor_at", "futile_at", "gpu_failed_at", "moved_at", "onsets",
    "rate_at", "ready_at", "tail_at", "until",
})  # fmt: skip
"""Fields that hold a moment, or several."""
_SHORT_LIVED = {
    PolicyState: frozenset({
        "alarm", "bad_at", "bad_since", "calm_since", "clients", "episodes", "ordered", "overload_since", "trend",
        "trial_due_since",
    }),
    BackendMemory: frozenset({"ats", "latencies_s", "seen", "served", "services_s"}),
    CostAccount: frozenset({"pending_breach", "pending_needed", "pending_requests"}),
}  # fmt: skip
"""Fields that the first few seconds of observing fill anew."""
_LATEST_S = 24 * 3600.0

_PROTOTYPE_MOST_S = 1000.0
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError)
"""What reading raises of a text that anybody in the namespace may have written."""


def moving(state: FunctionState, split: Split, at: Moment) -> Move:
    """Return the write of a split, with everything that goes with it."""
    return Move(split, {words.DECISION: record_text(state.record), words.STATE: state_text(state, at)})


def record_text(record: tuple[Decided, ...]) -> str:
    """Return decisions as one line of JSON, newest first."""
    return json.dumps([asdict(one) for one in record], separators=(",", ":"))


def read_record(text: str) -> tuple[Decided, ...]:
    """Read what `record_text` wrote; what is no record is an empty one."""
    try:
        return tuple([_decided(one) for one in json.loads(text)])
    except _UNREADABLE:
        return ()


def _decided(one: Mapping[str, Any]) -> Decided:
    chosen, rejected = Backend(one["chosen"]), Backend(one["rejected"])
    return Decided(int(one["at"]), chosen, rejected, str(one["rule"]), str(one["reason"]), int(one["share"]))


def state_text(state: FunctionState, at: Moment) -> str:
    """Return what is worth remembering as one line of JSON."""
    failures = {str(backend): _plain(one, at.now) for backend, one in state.failures.items()}
    said = {"v": 1, "wall": int(at.wall), "policy": _plain(state.policy, at.now), "failures": failures}
    said |= {"lost": {str(backend): revision for backend, revision in state.lost.items()}} if state.lost else {}
    return json.dumps(said, separators=(",", ":"))


def _plain(record: Any, now: float) -> dict[str, Any]:  # noqa: ANN401 -- any record of the policy
    """Return the fields of a record that differ from their defaults, moments as seconds before now."""
    left_out = _SHORT_LIVED.get(type(record), frozenset())
    return {
        name: _value(value, now if name in _TIMES else None, now)
        for name, value, default in _fields(record)
        if name not in left_out and value != default and value not in (math.inf, -math.inf)
    }


def _fields(record: Any) -> list[tuple[str, Any, Any]]:  # noqa: ANN401 -- any record of the policy
    if hasattr(record, "_fields"):
        return [(name, getattr(record, name), record._field_defaults.get(name)) for name in record._fields]
    return [(one.name, getattr(record, one.name), _default(one)) for one in fields(record)]


def _default(one: Any) -> Any:  # noqa: ANN401 -- a dataclass's field, and its value
    return None if one.default is MISSING else one.default


def _value(value: Any, zero: float | None, now: float) -> Any:  # noqa: ANN401 -- into JSON
    if hasattr(value, "_fields") or hasattr(value, "__dataclass_fields__"):
        return _plain(value, now)
    if isinstance(value, tuple):
        return [_value(one, zero, now) for one in value]
    if isinstance(value, float) or zero is not None:
        return float(f"{value - (zero or 0.0):.6g}")
    return value


def anew(seen: Seen) -> FunctionState:
    """Return what is known of a function that nobody has learned anything of."""
    return FunctionState(initial_state(policy_settings(seen.settings)))


def remember(seen: Seen, at: Moment) -> FunctionState:
    """Return what a leader before this one has left on the Route, else what the paper's prototype has, else nothing."""
    beginning = anew(seen).policy
    record = read_record(seen.written.get(words.DECISION, ""))
    try:
        said = json.loads(seen.written[words.STATE])
        zero = at.now - min(max(at.wall - _back(said["wall"], 0.0), 0.0), _LATEST_S)
        policy = _policy(beginning, said["policy"], zero)
        failures = {Backend(name): _failure(one, zero, at.now) for name, one in said["failures"].items()}
        lost = {Backend(name): str(revision) for name, revision in said.get("lost", {}).items()}
        return FunctionState(policy, record=record, failures=failures, lost=lost)
    except _UNREADABLE:
        return FunctionState(_prior(beginning, seen.written, at.now), record=record)


def _policy(beginning: PolicyState, said: Mapping[str, Any], zero: float) -> PolicyState:
    known = _moments(said, zero)
    for name, make in (("cpu", _backend_memory), ("gpu", _backend_memory), ("account", _account)):
        if name in known:
            known[name] = make(known[name], zero)
    if "active" in known:
        known["active"] = Backend(known["active"])
    if "rhythm" in known:
        rhythm = _moments(known["rhythm"], zero)
        known["rhythm"] = Rhythm(**rhythm)
    known["points"] = tuple([Point(**_moments(one, zero)) for one in known.get("points", ())])
    return replace(beginning, **known)


def _backend_memory(said: Mapping[str, Any], zero: float) -> BackendMemory:
    known = _moments(said, zero)
    if "level" in known:
        known["level"] = Level(**known["level"])
    return BackendMemory(**known)


def _failure(said: Mapping[str, Any], zero: float, now: float) -> Failure:
    known = Failure(**_moments(said, zero))
    return replace(known, until=min(known.until, now + switch_pause_s(known.times)))


def _account(said: Mapping[str, Any], zero: float) -> CostAccount:
    known = _moments(said, zero)
    known["plans"] = tuple([Plan(**_moments(one, zero)) for one in known.get("plans", ())])
    return CostAccount(**known)


def _moments(said: Mapping[str, Any], zero: float) -> dict[str, Any]:
    """Return fields with their moments on this process's clock, and lists as the tuples that they were."""
    return {name: _back(value, zero if name in _TIMES else 0.0) for name, value in said.items()}


def _back(value: Any, zero: float) -> Any:  # noqa: ANN401 -- out of JSON
    if isinstance(value, list):
        return tuple([_back(one, zero) for one in value])
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("no number of a policy")
    return value + zero if zero and isinstance(value, int | float) else value


def _prior(beginning: PolicyState, written: Mapping[str, str], now: float) -> PolicyState:
    """Return what the prototype had measured of both backends, in seconds, as one point of knowledge."""
    cpu_s, gpu_s = _latency_s(written.get("cpuLatency")), _latency_s(written.get("gpuLatency"))
    if cpu_s is None or gpu_s is None:
        return beginning
    return replace(
        beginning,
        points=(Point(gpu_s, cpu_s, now),),
        cpu=BackendMemory(level=Level(cpu_s, cpu_s, cpu_s, 1), floor_s=cpu_s, floor_at=now),
        gpu=BackendMemory(level=Level(gpu_s, gpu_s, gpu_s, 1), floor_s=gpu_s, floor_at=now),
    )


def _latency_s(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if 0.0 < value < _PROTOTYPE_MOST_S else None
