"""The manifest as an image carries it: the file beside the function, and JSON in a label."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest in its two spellings."""

    toml: str
    json: str
