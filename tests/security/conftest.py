"""What stands beside each checkout: a directory of the user's, which nothing may touch."""

from pathlib import Path

import pytest

from tests.security.support import SECRET


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A directory of the user's with a file in it, beside the checkout."""
    directory = tmp_path / "home"
    directory.mkdir()
    (directory / "file").write_text(SECRET)
    return directory
