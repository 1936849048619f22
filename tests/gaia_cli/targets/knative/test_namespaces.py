"""A namespace's name is checked before it becomes a part of an address."""

from pathlib import Path

import pytest

from gaia_cli.errors import UsageError
from gaia_cli.project.choices import ClusterChoice
from gaia_cli.project.targets import TargetSettings
from gaia_cli.targets.knative.connection import connect, offline
from gaia_cli.targets.knative.namespaces import check_name


@pytest.mark.parametrize("name", ["A B", "../../pods", "a/b", "UPPER", "a.b", "-a", "a" * 64])
def test_what_no_namespace_can_be_called_never_reaches_a_server(tmp_path: Path, name: str) -> None:
    choice = ClusterChoice(kubeconfig=tmp_path / "absent", namespace=name)

    for reach in (connect, offline):
        with pytest.raises(UsageError, match="--namespace must be"):
            reach(choice, TargetSettings("here"))


def test_what_a_namespace_can_be_called_passes() -> None:
    check_name("team-1")
