"""Functions for tests that deploy: a directory as a user has it, images that no registry has to be asked for."""

import hashlib
from pathlib import Path

from runtime_images.cluster.kinds import CONFIGURATION, REVISION, ROUTE
from tests.support.control_plane.objects import Objects
from tests.support.control_plane.rest import Object

CODE = "def handler(payload):\n    return payload\n"


def image(path: str = "hello") -> str:
    """Return an image by digest; the path says how its pods fare (stages.yaml of the control plane)."""
    return f"dev.local/{path}@sha256:{hashlib.sha256(path.encode()).hexdigest()}"


def function(directory: Path, configuration: str = "", *, name: str = "hello", mode: str = "cpu_preferred") -> Path:
    """Write a function and return its directory."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "func.py").write_text(CODE)
    own = f'[function]\nname = "{name}"\n[mode]\npin = "{mode}"\n{configuration}'
    (directory / "gaia.toml").write_text(own)
    return directory


def emulated(configuration: str = "") -> str:
    """Return a target that needs no GPU."""
    return f'[targets.here]\naccelerator = "emulated"\n{configuration}'


def with_gpus(resource: str, configuration: str = "") -> str:
    """Return a target whose GPUs are those of the test."""
    return f'[targets.here]\ngpu_resource = "{resource}"\n{configuration}'


def versions(objects: Objects) -> dict[str, str]:
    """Return what each object of a function says, as far as a deploy writes it; a status changes by itself."""
    found = {}
    for one in [*objects.all(CONFIGURATION), *objects.all(ROUTE)]:
        metadata = one["metadata"]
        said = [metadata.get(name) for name in ("uid", "generation", "labels", "annotations")]
        found[f"{one['kind']}/{metadata['name']}"] = repr((said, one["spec"]))
    return found


def revisions(objects: Objects) -> list[str]:
    """Return the names of the Revisions that stand."""
    return sorted(one["metadata"]["name"] for one in objects.all(REVISION))


def shares(route: Object, *, actual: bool = True) -> dict[str, int]:
    """Return the percentage of each tag."""
    part = route["status"] if actual else route["spec"]
    return {one["tag"]: one.get("percent") or 0 for one in part.get("traffic", ())}


def route(objects: Objects, name: str = "hello") -> Object:
    """Return the Route of a function."""
    found = objects.get(ROUTE, name)
    assert found is not None
    return found


def managers_of(item: Object, field: str) -> set[str]:
    """Return the managers of a field directly below spec."""
    entries = item["metadata"].get("managedFields") or ()
    return {one["manager"] for one in entries if f"f:{field}" in (one.get("fieldsV1", {}).get("f:spec") or {})}
