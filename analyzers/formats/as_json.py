"""The analysis as one JSON object.

schema_version, mode, confidence, reason, evidence, alternatives, prediction, files, duration_ms: docs/reference.md.
"""

import json
from dataclasses import asdict
from typing import Any

from analyzers.analysis import Analysis

SCHEMA_VERSION = 1


def to_object(analysis: Analysis) -> dict[str, Any]:
    """The analysis as plain values; evidence has the fields of the manifest's."""
    return {
        "schema_version": SCHEMA_VERSION,
        "mode": analysis.mode.value,
        "confidence": analysis.confidence,
        "reason": analysis.reason,
        "evidence": [asdict(evidence) for evidence in analysis.evidence],
        "alternatives": [{"mode": found.mode.value, "condition": found.condition} for found in analysis.alternatives],
        "prediction": _prediction(analysis),
        "files": list(analysis.files),
        "duration_ms": round(analysis.duration_s * 1000, 3),
    }


def _prediction(analysis: Analysis) -> dict[str, Any] | None:
    prediction = analysis.prediction
    if prediction is None:
        return None
    place = prediction.work.place
    return {
        "work": prediction.work.what,
        "path": place.file,
        "line": place.line,
        "cpu_ms": prediction.cpu_s * 1000,
        "gpu_ms": prediction.gpu_s * 1000,
        "hardware": prediction.hardware,
    }


def render(analysis: Analysis) -> str:
    """The analysis as JSON text, ending in a newline."""
    return json.dumps(to_object(analysis), indent=2, ensure_ascii=False) + "\n"
