"""The installed `gaia`, started as a user starts it."""

import os
import subprocess
import sys
from pathlib import Path

GAIA = str(Path(sys.executable).with_name("gaia"))


def run_gaia(
    *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `gaia` with `arguments` to its end; `env` comes on top of the environment, without its GAIA_* names."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GAIA_")}
    return subprocess.run(
        [GAIA, *arguments],
        cwd=cwd,
        env=own | (env or {}),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
