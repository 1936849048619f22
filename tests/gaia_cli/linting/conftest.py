from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gaia_cli.linting.support import Project, project_in


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with project_in(tmp_path, capsys, monkeypatch) as made:
        yield made
