"""What the small commands write with `--output-format json`, as types; docs/schemas is generated from them.

Outputs with a module of their own have their types there: `gaia analyze` and `gaia lint` in analyzers/formats,
`gaia simulate` in simulator/results, the events in runtime_images/events.
"""

from typing import Annotated, TypedDict

from analyzers.formats.schema_version import SchemaVersion

OUTPUT_SCHEMA = 1


class VersionOutput(TypedDict):
    """Which Gaia this is, and on what it runs."""

    schema_version: SchemaVersion
    gaia: Annotated[str, "Gaia's version"]
    python: Annotated[str, "the version of Python"]
    platform: Annotated[str, "the operating system, with its version and its processor"]


class RuleOutput(TypedDict):
    """One rule."""

    code: Annotated[str, "its code, such as GA201"]
    name: Annotated[str, "its name"]
    summary: Annotated[str, "what it finds"]
    level: Annotated[str, "`error`, `warning` or `note`"]
    confidence: Annotated[float, "how often it is right, 0 to 1: a judgement of its authors"]
    default: Annotated[bool, "whether `gaia lint` looks for it without being asked"]


class RulesOutput(TypedDict):
    """Every rule, in the order of the codes."""

    schema_version: SchemaVersion
    rules: Annotated[list[RuleOutput], "the rules"]


class RuleHelpOutput(RuleOutput):
    """One rule with all that it says."""

    schema_version: SchemaVersion
    help: Annotated[str, "what it finds, why, and examples, as Markdown"]


class BuildOutput(TypedDict):
    """The image that was built."""

    schema_version: SchemaVersion
    image: Annotated[str, "its first tag"]
    tags: Annotated[list[str], "all of its tags"]
    id: Annotated[str, "its identifier on the engine"]
    function: Annotated[str, "the function's name"]
    mode: Annotated[str, "the mode that it starts in"]
    mode_reason: Annotated[str, "why that mode"]
    base_image: Annotated[str, "the image that it is built on"]
    base_reason: Annotated[str, "why that image"]
    size_bytes: Annotated[int, "its size"]
    left_out: Annotated[list[str], "files of the function's directory that it does not hold"]
    pushed: Annotated[str, "what it is in its registry: the name with the digest; empty without `--push`"]
    duration_s: Annotated[float, "how long the build took"]


class ErrorDetails(TypedDict):
    """What is wrong."""

    message: Annotated[str, "what is wrong, in one sentence"]
    hint: Annotated[str, "what to do about it; may be empty"]
    exit_code: Annotated[int, "the exit code"]


class ErrorOutput(TypedDict):
    """An error, on standard output where a program asked for JSON."""

    schema_version: SchemaVersion
    error: Annotated[ErrorDetails, "what is wrong"]
