"""The analysis as one JSON object: schema_version, mode, confidence, reason, evidence, files, duration_ms."""

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
        "files": list(analysis.files),
        "duration_ms": round(analysis.duration_s * 1000, 3),
    }


def render(analysis: Analysis) -> str:
    """The analysis as JSON text, ending in a newline."""
    return json.dumps(to_object(analysis), indent=2, ensure_ascii=False) + "\n"
