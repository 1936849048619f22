"""What `gaia list` and `gaia describe` know, as types: of these the tables are drawn, the JSON and its schemas made.

Times are as the cluster writes them (RFC 3339). `null` is what could not be read, with the reason among `unknown`.
"""

from typing import Annotated, TypedDict

from analyzers.formats.schema_version import SchemaVersion

DEPLOYED_SCHEMA = 1


class FunctionRow(TypedDict):
    """A function that is deployed."""

    name: Annotated[str, "its name"]
    namespace: Annotated[str, "the namespace that it stands in"]
    mode: Annotated[str, "its execution mode; empty where nothing says it"]
    accelerator: Annotated[
        str, "what its GPU backend uses: `nvidia`, `emulated` or `none`; empty where nothing says it"
    ]
    backend: Annotated[str, "the backend with the most traffic: `cpu` or `gpu`; empty where none serves"]
    traffic: Annotated[dict[str, int], "the percentage of each backend, as the cluster confirms it"]
    ready: Annotated[bool, "whether it serves and each backend runs what was deployed last"]
    problems: Annotated[list[str], "what keeps it from being ready, the part first"]
    url: Annotated[str, "where it is served"]
    image: Annotated[str, "the image that was deployed last"]
    deployed_at: Annotated[str, "when that was"]


class ListOutput(TypedDict):
    """The functions that are deployed to a namespace, or to all."""

    schema_version: SchemaVersion
    target: Annotated[str, "the target in gaia.toml; empty without one"]
    context: Annotated[str, "the kubeconfig's context"]
    functions: Annotated[list[FunctionRow], "the functions, by namespace and name"]


class PodReport(TypedDict):
    """One pod of a backend."""

    name: Annotated[str, "its name"]
    revision: Annotated[str, "the revision that it is of"]
    ready: Annotated[bool, "whether it takes requests"]
    phase: Annotated[str, "its phase in the cluster's words"]
    restarts: Annotated[int, "how often the function's container was started again"]
    node: Annotated[str, "where it runs; empty while it is not placed"]
    message: Annotated[str, "what keeps it from serving, in its own words"]


class BackendReport(TypedDict):
    """One backend of a function."""

    backend: Annotated[str, "`cpu` or `gpu`"]
    configuration: Annotated[str, "the object that holds its template"]
    image: Annotated[str, "the image of that template"]
    variables: Annotated[list[str], "the names of the function's variables; no values, which may be nobody's business"]
    secrets: Annotated[dict[str, str], "those of them that come from a secret, with its name and key: `secret/key`"]
    ready: Annotated[bool, "whether it may take requests"]
    scaled_to_zero: Annotated[bool, "whether it has no pod because nobody asks for one"]
    serving: Annotated[str, "the revision that requests reach; empty where none was ever ready"]
    awaited: Annotated[str, "a newer revision that is waited for; empty where there is none"]
    superseded: Annotated[list[str], "revisions between these two that have pods, and never will serve"]
    problem: Annotated[str, "why it, or the revision that is waited for, is not ready"]
    url: Annotated[str, "the address of this backend alone; empty while it is not in the traffic"]
    pods: Annotated[list[PodReport] | None, "its pods; null where they may not be read"]


class TrafficReport(TypedDict):
    """Where requests go, and who says so."""

    wanted: Annotated[dict[str, int], "what is asked for, in per cent"]
    confirmed: Annotated[dict[str, int], "what the cluster says it does"]
    revisions: Annotated[list[str], "revisions that are named themselves, as after a rollback"]
    is_confirmed: Annotated[bool, "whether the cluster does what is asked for"]
    held_by: Annotated[str, "the manager that holds the traffic"]
    held_since: Annotated[str, "since when, if it is not Gaia's; else empty"]
    is_gaias: Annotated[bool, "whether Gaia may move it"]
    pinned: Annotated[str, "the backend that a person has pinned; empty without"]
    paused: Annotated[bool, "whether the controller leaves the function alone"]


class DecisionReport(TypedDict):
    """A decision of the controller."""

    at: Annotated[str, "when"]
    chosen: Annotated[str, "the backend that it chose"]
    rejected: Annotated[str, "the one that it did not"]
    rule: Annotated[str, "the rule that decided"]
    reason: Annotated[str, "why, in one sentence"]
    share: Annotated[int, "how much of the traffic had followed, in per cent"]


class EventReport(TypedDict):
    """An event of one of the function's objects."""

    at: Annotated[str, "when it was last seen"]
    object: Annotated[str, "kind and name of the object"]
    warning: Annotated[bool, "whether something is wrong"]
    reason: Annotated[str, "the cluster's word for it"]
    message: Annotated[str, "the sentence"]
    count: Annotated[int, "how often it was seen"]


class DescribeOutput(FunctionRow):
    """All that is known of a function that is deployed."""

    schema_version: SchemaVersion
    target: Annotated[str, "the target in gaia.toml; empty without one"]
    context: Annotated[str, "the kubeconfig's context"]
    project: Annotated[str, "the project that it was deployed from"]
    origin: Annotated[str, "where that project lies"]
    deployed_by: Annotated[str, "who deployed it"]
    deleting: Annotated[bool, "whether it is being deleted"]
    backends: Annotated[list[BackendReport], "its backends"]
    routing: Annotated[TrafficReport, "its traffic"]
    would: Annotated[
        str, "what the controller says of traffic that somebody else holds, and what the policy would do; else empty"
    ]
    decisions: Annotated[list[DecisionReport], "the controller's last decisions, newest first"]
    events: Annotated[list[EventReport] | None, "events, oldest first; null where they may not be read"]
    unknown: Annotated[list[str], "what could not be read, and the right that would allow it"]
