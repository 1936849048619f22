import pytest

from runtime_images.dynamic_runtime.telemetry.reporting import _why_missed
from runtime_images.policy.model import Slo

SLO = Slo(latency_p95_ms=500.0)


@pytest.mark.parametrize(
    ("slo", "p95_s", "wait_s", "errors", "expected"),
    [
        (SLO, 0.033, 0.0, 0.0, ""),
        (SLO, 0.033, 0.0, 0.05, ""),
        (SLO, 0.033, 0.0, 0.5, "50 % errors, 5 % allowed"),
        (SLO, 0.612, 0.0, 0.0, "p95 612 ms, 500 ms allowed"),
        (SLO, 0.5002, 0.0, 0.0, "p95 500.200 ms, 500 ms allowed"),
        (SLO, 0.033, 2.0, 0.0, "a request waits for 2,000 ms, 500 ms allowed"),
        (SLO, 0.612, 2.0, 1.0, "100 % errors, 5 % allowed; p95 612 ms, 500 ms allowed"),
        (Slo(error_rate=0.001), 9.0, 9.0, 0.0123, "1.23 % errors, 0.1 % allowed"),
    ],
)
def test_what_is_missed_is_said_beside_what_is_allowed(
    slo: Slo, p95_s: float, wait_s: float, errors: float, expected: str
) -> None:
    assert _why_missed(slo, p95_s, wait_s, errors) == expected
