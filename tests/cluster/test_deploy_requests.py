"""How often a deploy asks the API server: nothing twice, since each request is a way over a network and back."""

from collections import Counter
from pathlib import Path

import httpx2
import pytest

from runtime_images.cluster.answers import Checked
from runtime_images.cluster.kinds import CONFIGURATION, ROUTE
from tests.cluster.conftest import Gaia
from tests.support.control_plane.objects import Objects
from tests.support.deploying import emulated, function, image, route, shares

Asked = Counter[tuple[str, str, str]]
"""Requests by method, path and whether they are dry runs."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The requests of the command line, counted on their way."""
    found: Asked = Counter()
    send = Checked.handle_async_request

    async def counted(self: Checked, request: httpx2.Request) -> httpx2.Response:
        found[request.method, request.url.path, request.url.params.get("dryRun", "")] += 1
        return await send(self, request)

    monkeypatch.setattr(Checked, "handle_async_request", counted)
    return found


def _of_the_objects(asked: Asked) -> dict[str, int]:
    kinds = (CONFIGURATION.plural, ROUTE.plural)
    return {
        f"{method} {'/'.join(path.split('/')[-2:])}{' dry' * bool(dry)}": times
        for (method, path, dry), times in asked.items()
        if path.split("/")[-2] in kinds
    }


def test_each_object_is_read_once_and_dry_run_once_before_anything_is_written(
    gaia: Gaia, objects: Objects, asked: Asked, tmp_path: Path
) -> None:
    directory = str(function(tmp_path / "f", emulated()))
    for _ in range(2):
        asked.clear()
        planned = gaia("deploy", directory, "--image", image(), "--dry-run=server")

        assert planned.returncode == 0, planned.stderr
        assert _of_the_objects(asked) == {
            f"{method} {what}{dry}": 1
            for method, dry in (("GET", ""), ("PATCH", " dry"))
            for what in ("configurations/hello-cpu", "configurations/hello-gpu", "routes/hello")
        }
        assert gaia("deploy", directory, "--image", image(), "-y").returncode == 0
    assert shares(route(objects)) == {"cpu": 100, "gpu": 0}


def test_a_whole_deploy_asks_nothing_twice_but_for_rights_one_by_one_and_the_births_three_writes(
    gaia: Gaia, objects: Objects, asked: Asked, tmp_path: Path
) -> None:
    directory = str(function(tmp_path / "f", emulated()))
    assert gaia("deploy", directory, "--image", image(), "-y", "--no-wait").returncode == 0
    reviews = sum(times for (_, path, _), times in asked.items() if path.endswith("selfsubjectaccessreviews"))
    again = {path: times for (_, path, _), times in asked.items() if times > 1 and "reviews" not in path}
    assert {path.rpartition("/")[2]: times for path, times in again.items()} == {objects.namespace: 2, "hello": 3}
    assert reviews == 16
    assert asked.total() <= 45
