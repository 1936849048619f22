"""What a verb needs to know of a cluster that it does not ask."""

from pathlib import Path

import pytest

from gaia_cli.errors import MissingPartError
from gaia_cli.project.choices import ClusterChoice
from gaia_cli.project.targets import TargetSettings
from gaia_cli.targets.knative.connection import offline


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))


def test_what_asks_no_cluster_needs_no_kubeconfig() -> None:
    assert offline(ClusterChoice(), TargetSettings("here")).namespace == "default"
    assert offline(ClusterChoice(), TargetSettings("here", namespace="team")).namespace == "team"
    assert offline(ClusterChoice(namespace="own"), TargetSettings("here", namespace="team")).namespace == "own"


def test_a_kubeconfig_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(MissingPartError):
        offline(ClusterChoice(kubeconfig=tmp_path / "other"), TargetSettings("here"))
