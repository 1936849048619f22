"""python -m tests.support.control_plane build | up | down [NUMBER]: see the package."""

import sys
import time

from tests.support.control_plane import build, lifecycle
from tests.support.control_plane.layout import Layout, chosen, numbered


def main(arguments: list[str]) -> str | None:
    """Do one command; return what went wrong."""
    command = arguments[0] if arguments else ""
    try:
        layout = (numbered(arguments[1]) if len(arguments) > 1 else chosen()) or Layout(0)
        if command == "build":
            build.build(_say)
        elif command == "up":
            began = time.monotonic()
            plane = lifecycle.up(layout)
            _say(f"plane {layout.number} is up after {time.monotonic() - began:.1f} s")
            _say(f"export KUBECONFIG={plane.kubeconfig}")
        elif command == "down":
            lifecycle.down(layout)
        else:
            return __doc__
    except (build.BuildError, lifecycle.PlaneError, ValueError) as error:
        return str(error)
    return None


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
