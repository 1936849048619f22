"""What the controller's image holds is enough for it to start, and holds nothing else of Gaia."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import runtime_images

PACKAGE = Path(runtime_images.__file__).parent
RECIPE = (PACKAGE / "recipes" / "Dockerfile.controller").read_text()


def copied() -> list[str]:
    """The paths of the package that the recipe copies."""
    return re.findall(r"^COPY (runtime_images/\S+) /opt/gaia/runtime_images", RECIPE, re.MULTILINE)


def test_the_controller_starts_with_what_is_copied(tmp_path: Path) -> None:
    for path in copied():
        source, target = PACKAGE.parent / path, tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)

    code = "import sys, runtime_images.controller.__main__ as m; print(m.__file__, *sorted(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    place, *loaded = ran.stdout.split()
    assert place.startswith(str(tmp_path))
    assert not [name for name in loaded if name.startswith(("gaia_cli", "analyzers", "runtime_images.dynamic_runtime"))]


def test_neither_analyzer_nor_command_line_nor_runtime_is_copied() -> None:
    assert not [path for path in copied() if any(part in path for part in ("dynamic_runtime", "gaia_cli", "analyzers"))]
    assert len(copied()) == 4


def test_it_runs_as_a_user_with_a_number_without_rights() -> None:
    assert "\nUSER 65532:65532\n" in RECIPE
