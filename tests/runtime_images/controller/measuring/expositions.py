"""What Knative's queue-proxy shows, in each of its dialects: written after the exporters' sources, for any answers."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate

CENSUS_MS = (5, 10, 20, 40, 60, 80, 100, 150, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800, 900, 1000, 2000, 5000,
             10000, 20000, 50000, 100000)  # fmt: skip
TELEMETRY_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

Served = Sequence[tuple[int, float, float]]
"""Status, service time and wait of each answer, in seconds."""


def histogram(name: str, labels: str, bounds: Sequence[float], values: Sequence[float]) -> str:
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[bisect_left(bounds, value)] += 1
    ends = [*[f"{bound:g}" for bound in bounds], "+Inf"]
    lines = [
        f'{name}_bucket{{{labels},le="{end}"}} {count}' for end, count in zip(ends, accumulate(counts), strict=True)
    ]
    lines += [f"{name}_sum{{{labels}}} {sum(values)}", f"{name}_count{{{labels}}} {len(values)}"]
    return "\n".join([f"# HELP {name} The response time", f"# TYPE {name} histogram", *lines]) + "\n"


def _by_code(served: Served) -> Mapping[int, list[tuple[float, float]]]:
    codes = sorted({status for status, _, _ in served})
    return {code: [(service, wait) for status, service, wait in served if status == code] for code in codes}


def open_census(pod: str, served: Served) -> str:
    """Release 1.18 and before."""
    revision = pod.rpartition("-deployment-")[0]
    text = ""
    for code, those in _by_code(served).items():
        labels = (
            f'configuration_name="{revision[:-6]}",container_name="queue-proxy",namespace_name="faces",pod_name="{pod}",'
            f'response_code="{code}",response_code_class="{code // 100}xx",revision_name="{revision}",service_name=""'
        )
        services, latencies = [1000 * a for a, _ in those], [1000 * (a + b) for a, b in those]
        text += histogram("revision_app_request_latencies", labels, CENSUS_MS, services)
        tagged = labels.replace("revision_name", 'route_tag="DEFAULT",revision_name')
        text += histogram("revision_request_latencies", tagged, CENSUS_MS, latencies)
    return _headers_once(text)


def open_telemetry(
    pod: str, served: Served, *, promoted: bool, name: str = "kn_serving_invocation_duration_seconds"
) -> str:
    """Release 1.19 and after; `promoted` as a collector shows it that writes the resource onto each series."""
    revision = pod.rpartition("-deployment-")[0]
    resource = (
        f'container_name="queue-proxy",k8s_namespace_name="faces",k8s_pod_name="{pod}",'
        f'kn_configuration_name="{revision[:-6]}",kn_revision_name="{revision}",service_instance_id="{pod}"'
    )
    scope = 'otel_scope_name="knative.dev/serving/pkg/queue",otel_scope_version=""'
    text = f"# HELP target_info Target metadata\n# TYPE target_info gauge\ntarget_info{{{resource}}} 1\n"
    for code, those in _by_code(served).items():
        labels = f'http_response_status_code="{code}",{scope}' + (f",{resource}" if promoted else "")
        text += histogram(name, labels, TELEMETRY_S, [a for a, _ in those])
        labels = labels.replace("knative.dev/serving/pkg/queue", "go.opentelemetry.io/contrib/instrumentation")
        text += histogram(
            "http_server_request_duration_seconds", f'http_request_method="POST",{labels}', TELEMETRY_S,
            [a + b for a, b in those],
        )  # fmt: skip
    return _headers_once(text)


def _headers_once(text: str) -> str:
    """Put the series of each metric together under one header, as exporters do."""
    families: dict[str, list[str]] = {}
    current = ""
    for line in text.splitlines():
        if line.startswith("# HELP"):
            current = line.split()[2]
        known = families.setdefault(current, [])
        if not (line.startswith("#") and line in known):
            known.append(line)
    return "\n".join(line for lines in families.values() for line in lines) + "\n"
