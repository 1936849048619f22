"""What a Prometheus may have of functions, under which names: three ways in which pods have told it over the years.

Read from the sources: Knative Serving's pkg/queue/request_metric.go and pkg/queue/sharedmain/{handlers,otel}.go of
release 1.15 (OpenCensus, Prometheus' prefix is the component "revision", milliseconds, `pod_name` and `revision_name`
on each series) and of main in August 2026 (OpenTelemetry since 1.19: kn.serving.invocation.duration around the
function, http.server.request.duration around the queue too, in seconds; revision and pod are attributes of the
resource, which Prometheus' exporter shows on target_info alone unless somebody promotes them); knative.dev/docs,
"Knative Serving Metrics"; the first releases of 1.19 and 1.20 call the former kn.queueproxy.app.duration (pull request
16290 of knative/serving). Their buckets end at 100 s and at 10 s; nothing tells what waits now. The names of the
runtime are docs/admin.md's, its pods those that Prometheus' discovery names.

All series are counters since the pod's start, at most `STALE_S` old: a difference of two looks is made here, by pod,
since rate() over all of them would take a pod that went for one that serves nothing. How old they are is asked, too: a
number that has not changed and one that is not told any more look alike. A scrape that fails ends its series at once.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

STALE_S = 45
"""The age at which a sample says nothing any more: three usual scrapes."""
POD_LABELS = ("k8s_pod_name", "pod_name", "pod", "instance")
"""Labels that may name the pod, the surest first; OTLP puts service.instance.id, the pod's name, into the last."""

_DNS = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


class Role(StrEnum):
    """What an answer is about."""

    SERVICE = "service"
    SERVICE_SUM = "service_sum"
    LATENCY = "latency"
    LATENCY_SUM = "latency_sum"
    GAUGES = "gauges"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way to name things. `{0}` of the selectors is the namespace, `{1}` a pattern of revisions.

    `service` may be several names with "|" between. `unit_s` is the unit of its durations in seconds. With a
    `resource`, labels stand on that series only. `sign` is a series that each pod has which speaks it.
    """

    name: str
    service: str
    latency: str
    code: str
    selector: str
    sign: str
    unit_s: float = 1.0
    resource: str = ""
    gauges: str = ""

    def queries(self, namespace: str, revisions: Collection[str]) -> dict[Role, str]:
        """Return the queries for the revisions of a namespace.

        Raises:
            ValueError: a name is none of a cluster's.
        """
        for name in (namespace, *revisions):
            if not _DNS.fullmatch(name):
                raise ValueError(f"{name!r} is no name in a cluster")
        where = self.selector.format(namespace, "|".join(one.replace(".", "[.]") for one in sorted(revisions)))
        asked = {
            Role.SERVICE: self._query(self.service, "_bucket", where),
            Role.SERVICE_SUM: self._query(self.service, "_sum", where),
            Role.LATENCY: self._query(self.latency, "_bucket", where),
            Role.LATENCY_SUM: self._query(self.latency, "_sum", where),
            Role.AGE: self._age(where),
        }
        return asked | ({Role.GAUGES: _recent(f'{{__name__=~"{self.gauges}",{where}}}')} if self.gauges else {})

    def _query(self, names: str, part: str, where: str) -> str:
        kept = (*POD_LABELS, self.code, *(["le"] if part == "_bucket" else []))
        metric = f'__name__=~"({names}){part}"' if "|" in names else f'__name__="{names}{part}"'
        return f"sum by ({', '.join(kept)}) ({self._located(metric, where, _recent)})"

    def _age(self, where: str) -> str:
        aged = self._located(f'__name__=~"{self.sign}"', where, _age)
        return f"min by ({', '.join(POD_LABELS)}) ({aged})"

    def _located(self, metric: str, where: str, read: Callable[[str], str]) -> str:
        """Return what is read of a metric's series in this place."""
        if not self.resource:
            return read(f"{{{metric},{where}}}")
        named = f"max by (job, instance, k8s_pod_name) ({_recent(f'{self.resource}{{{where}}}')})"
        return f"{read(f'{{{metric}}}')} * on (job, instance) group_left (k8s_pod_name) {named}"


def _recent(selector: str) -> str:
    return f"last_over_time({selector}[{STALE_S}s])"


def _age(selector: str) -> str:
    return f"(time() - timestamp({selector}))"


_OTEL_LABELS = 'k8s_namespace_name="{0}",kn_revision_name=~"{1}"'
_OTEL_SERVICE = "kn_serving_invocation_duration_seconds|kn_queueproxy_app_duration_seconds"
_OTEL_SIGN = f"({_OTEL_SERVICE})_sum"
_OTEL_LATENCY = "http_server_request_duration_seconds"
_OTEL_CODE = "http_response_status_code"

RUNTIME = Dialect(
    "runtime", "gaia_service_duration_seconds", "gaia_request_duration_seconds", "code",
    'namespace="{0}",pod=~"({1})-.+"', "gaia_requests_total",
    gauges="gaia_(requests_total|requests_in_flight|in_flight_oldest_seconds|queue_depth|queue_oldest_seconds"
    "|idle_seconds|slots|cpu_share|backend_start_seconds|gpu_available)",
)  # fmt: skip
PROMOTED = Dialect("promoted", _OTEL_SERVICE, _OTEL_LATENCY, _OTEL_CODE, _OTEL_LABELS, _OTEL_SIGN)
OPEN_TELEMETRY = Dialect(
    "opentelemetry", _OTEL_SERVICE, _OTEL_LATENCY, _OTEL_CODE, _OTEL_LABELS, _OTEL_SIGN, resource="target_info"
)
OPEN_CENSUS = Dialect(
    "opencensus", "revision_app_request_latencies", "revision_request_latencies", "response_code",
    'namespace_name="{0}",revision_name=~"{1}"', "revision_app_request_latencies_sum", unit_s=0.001,
)  # fmt: skip

DIALECTS = (RUNTIME, PROMOTED, OPEN_TELEMETRY, OPEN_CENSUS)
"""The one that tells most first; Knative's are for functions that do not carry the runtime."""
