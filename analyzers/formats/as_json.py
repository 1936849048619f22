"""An analysis as one JSON object; docs/schemas/analysis.json is generated from its types."""

from dataclasses import asdict
from typing import Annotated, TypedDict, cast

from analyzers.analysis import Analysis
from analyzers.formats.json_text import json_text
from analyzers.formats.schema_version import SchemaVersion

ANALYSIS_SCHEMA = 1


class EvidenceOutput(TypedDict):
    """One thing that a rule found; the manifest has the same."""

    rule: Annotated[str, "the rule's code"]
    path: Annotated[str, "the file, relative to the function's directory"]
    line: Annotated[int, "from 1"]
    column: Annotated[int, "from 1"]
    message: Annotated[str, "what was found"]
    weight: Annotated[float, "log-odds, positive towards the GPU"]


class AlternativeOutput(TypedDict):
    """What would change the mode."""

    mode: Annotated[str, "the mode that it would be"]
    condition: Annotated[str, "what to change for it"]


class PredictionOutput(TypedDict):
    """How long the heaviest work would take on each backend, by the code alone."""

    work: Annotated[str, "the work"]
    path: Annotated[str, "the file it stands in"]
    line: Annotated[int, "the line it stands in"]
    cpu_ms: Annotated[float, "on the CPU, in milliseconds"]
    gpu_ms: Annotated[float, "on the GPU, in milliseconds"]
    slo_ms: Annotated[float, "what the SLO asks for, in milliseconds"]
    hardware: Annotated[str, "the CPU and the GPU that are compared"]


class AnalysisOutput(TypedDict):
    """What a function needs, and why."""

    schema_version: SchemaVersion
    mode: Annotated[str, "`cpu`, `cpu_preferred`, `gpu_preferred` or `gpu`"]
    confidence: Annotated[float, "the probability that the mode is right, 0 to 1"]
    reason: Annotated[str, "why, in one sentence"]
    slo_out_of_reach: Annotated[
        str, "that by the prediction neither backend can keep the SLO, in one sentence; empty where one of them can"
    ]
    evidence: Annotated[list[EvidenceOutput], "what the rules found"]
    alternatives: Annotated[list[AlternativeOutput], "what would change the mode"]
    prediction: Annotated[
        PredictionOutput | None,
        "null without an SLO for latency, or where the code does not say how much it computes",
    ]
    files: Annotated[list[str], "the files that were read"]
    duration_ms: Annotated[float, "how long the analysis took"]


class FunctionOutput(AnalysisOutput):
    """One of several functions."""

    path: Annotated[str, "where it was found: its directory or file, below the path that was named"]
    name: Annotated[str, "its name"]


class FailedOutput(TypedDict):
    """A function or a path of which nothing can be said."""

    path: Annotated[str, "where it is"]
    message: Annotated[str, "what is wrong, in one sentence"]
    hint: Annotated[str, "what to do about it; may be empty"]


class AnalysesOutput(TypedDict):
    """Several functions: with `--all`, of several paths, or where there are several at the path."""

    schema_version: SchemaVersion
    functions: Annotated[list[FunctionOutput], "the functions, in the order of their paths"]
    errors: Annotated[list[FailedOutput], "what could not be analyzed at all; then the exit code is not 0"]


def to_object(analysis: Analysis) -> AnalysisOutput:
    """Return the analysis as plain values."""
    return {
        "schema_version": ANALYSIS_SCHEMA,
        "mode": analysis.mode.value,
        "confidence": analysis.confidence,
        "reason": analysis.reason,
        "slo_out_of_reach": analysis.slo_out_of_reach,
        "evidence": [cast("EvidenceOutput", asdict(evidence)) for evidence in analysis.evidence],
        "alternatives": [{"mode": found.mode.value, "condition": found.condition} for found in analysis.alternatives],
        "prediction": _prediction(analysis),
        "files": list(analysis.files),
        "duration_ms": round(analysis.duration_s * 1000, 1),
    }


def _prediction(analysis: Analysis) -> PredictionOutput | None:
    prediction = analysis.prediction
    if prediction is None:
        return None
    place = prediction.work.place
    return {
        "work": prediction.work.what,
        "path": place.file,
        "line": place.line,
        "cpu_ms": round(prediction.cpu_s * 1000, 3),
        "gpu_ms": round(prediction.gpu_s * 1000, 3),
        "slo_ms": round(prediction.slo_s * 1000, 3),
        "hardware": prediction.hardware,
    }


def render(analysis: Analysis) -> str:
    """Return the analysis as JSON text, ending in a newline."""
    return json_text(to_object(analysis), indent=2) + "\n"


def function(path: str, name: str, analysis: Analysis) -> FunctionOutput:
    """Return the analysis of one of several functions as plain values."""
    return {"path": path, "name": name, **to_object(analysis)}


def render_list(functions: list[FunctionOutput], errors: list[FailedOutput]) -> str:
    """Return several functions as JSON text, ending in a newline."""
    output = AnalysesOutput(schema_version=ANALYSIS_SCHEMA, functions=functions, errors=errors)
    return json_text(output, indent=2) + "\n"
