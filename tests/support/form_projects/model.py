"""What one of the projects is that the tests take through every verb."""

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

JSON = {"content-type": "application/json"}
EVENT = {**JSON, "ce-specversion": "1.0", "ce-id": "7", "ce-source": "/shop", "ce-type": "order"}
ADA = b'{"name": "Ada"}'
HELLO = {"hello": "Ada"}


@dataclass(frozen=True, slots=True)
class FormProject:
    """A project: its files and links by path, its form and entry point, a request, and what the answer must be.

    `answer` is the whole body as JSON, or a part of it where the rest differs each time. `imports` are further files
    that the function consists of. `is_slow` says that its library takes long to install, `is_first_image` that its
    image is built whenever tests run, and not only with the long ones.
    """

    name: str
    form: str
    entry: str
    files: Mapping[str, str]
    answer: object = field(default_factory=lambda: HELLO)
    links: Mapping[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    method: str = "POST"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    body: bytes = ADA
    is_slow: bool = False
    is_first_image: bool = False

    def write(self, directory: Path) -> Path:
        """Write the project's files into `directory` and return it."""
        for name, text in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text).lstrip(), "utf-8")
        for name, target in self.links.items():
            (directory / name).symlink_to(target)
        return directory

    def is_answered_by(self, body: bytes) -> bool:
        """Return whether a body is the right answer."""
        try:
            told = json.loads(body)
        except ValueError:
            told = body.decode().strip()
        if isinstance(told, dict) and isinstance(self.answer, dict):
            return {name: told.get(name) for name in self.answer} == self.answer
        return bool(told == self.answer)
