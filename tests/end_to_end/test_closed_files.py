"""A gate does not pass on what it may not read: it says which file that is."""

import subprocess
from pathlib import Path

import pytest

from gaia_cli.errors import ExitCode
from tests.support.cli import GAIA
from tests.support.closed import CAN_CLOSE, WITHOUT_POWERS, closed

FILES = {
    "func.py": "def handler(payload):\n    return payload\n",
    "requirements.txt": "# nothing\n",
    "gaia.toml": '[function]\nname = "closed"\n',
    "gaia.manifest.toml": "",
    "lib/inner.py": "",
}


@pytest.mark.skipif(not CAN_CLOSE, reason="nothing is closed to root here")
@pytest.mark.parametrize(
    ("verb", "shut"),
    [
        *(
            (verb, shut)
            for verb in ("analyze .", "manifest .")
            for shut in ("func.py", "requirements.txt", "gaia.toml")
        ),
        ("analyze . --write", "func.py"),
        ("manifest", "lib"),
        ("manifest .", "gaia.manifest.toml"),
        *(("lint . --no-cache", shut) for shut in ("func.py", "gaia.toml", "gaia.manifest.toml", "lib")),
        ("invoke .", "func.py"),
        ("run . --engine process", "func.py"),
    ],
)
def test_a_verb_names_what_it_may_not_read_and_exits_with_2(tmp_path: Path, verb: str, shut: str) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with closed(tmp_path / shut):
        command = [*WITHOUT_POWERS, GAIA, *verb.split()]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    said = ended.stdout + ended.stderr

    assert ended.returncode == ExitCode.USAGE
    assert shut in said
    assert "Permission denied" in said or "may not be read" in said
    assert "internal error" not in said
