"""How a build looks: steps on standard error, on a terminal as one line that changes; the result on standard output."""

import contextlib
from typing import Self

from rich.text import Text

from analyzers.lean.printable import printable
from gaia_cli.engines.build import BuiltImage
from gaia_cli.images.plan import PORT
from gaia_cli.images.wall import docker_options
from gaia_cli.views import console
from gaia_cli.views.outputs import OUTPUT_SCHEMA, BuildOutput


class BuildSteps(contextlib.ExitStack):
    """Shows steps while it is entered: a spinner where standard error is a terminal, else a line each."""

    def __init__(self) -> None:
        super().__init__()
        terminal = console.rich_console(stderr=True)
        self._terminal = terminal if terminal.is_terminal and not terminal.is_dumb_terminal else None
        self._spinner = self._terminal.status("") if self._terminal else None

    def __enter__(self) -> Self:
        if self._spinner is not None:
            self.enter_context(self._spinner)
        return self

    def step(self, text: str) -> None:
        """Show one step; the details of a step, which are indented, only change the spinner."""
        if self._terminal is None or self._spinner is None:
            console.note(text)
            return
        if not text.startswith(" "):
            self._terminal.print(Text(printable(text), "dim"))
        self._spinner.update(Text(printable(text.strip())))


def report(image: BuiltImage, mode_reason: str, pushed: str = "", *, as_json: bool) -> None:
    """Write what was built, and as what it was `pushed`, for a program or for a person."""
    if as_json:
        console.json_line(_as_object(image, mode_reason, pushed))
        return
    others = f" (also {', '.join(image.tags[1:])})" if image.tags[1:] else ""
    gpus = " --gpus 1" if image.plan.mode.initial_backend == "gpu" else ""
    walls = docker_options(image.plan.cpus, image.plan.memory)
    console.line(f"built {image.tags[0]}{others}")
    console.line(f"  mode  {image.plan.mode}: {mode_reason}")
    console.line(f"  base  {image.plan.base_image}: {image.plan.base_reason}")
    console.line(f"  size  {image.size / 1e6:,.0f} MB, built in {image.duration_s:.1f} s")
    if pushed:
        console.line(f"  push  {pushed}")
    console.line(f"  next  docker run --rm {walls} -p 127.0.0.1:{PORT}:{PORT}{gpus} {image.tags[0]}")


def _as_object(image: BuiltImage, mode_reason: str, pushed: str) -> BuildOutput:
    return {
        "schema_version": OUTPUT_SCHEMA,
        "image": image.tags[0],
        "tags": list(image.tags),
        "id": image.identifier,
        "function": image.plan.name,
        "mode": image.plan.mode,
        "mode_reason": mode_reason,
        "base_image": image.plan.base_image,
        "base_reason": image.plan.base_reason,
        "size_bytes": image.size,
        "left_out": list(image.left_out),
        "pushed": pushed,
        "duration_s": round(image.duration_s, 3),
    }
