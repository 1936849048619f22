"""The files of a project by the names under which they are imported; nothing is read but directories, each once."""

import os


class Tree:
    """The Python files below `root` during one run."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._real = os.path.realpath(root)
        self._listings: dict[str, frozenset[str]] = {}
        self._inside: dict[str, bool] = {}

    def knows(self, package: str, beside: str) -> bool:
        """Whether the top-level `package` is the project's own, a directory without `__init__.py` included."""
        listings = map(self._names, dict.fromkeys(("", "src", beside)))
        return any(package in names or f"{package}.py" in names for names in listings)

    def find(self, module: str, beside: str) -> str:
        """The path of `module`, searched at the root, in src/ and in `beside`; empty when it is nowhere."""
        *packages, last = module.split(".")
        for base in dict.fromkeys(("", "src", beside)):
            directory = "/".join(filter(None, (base, *packages)))
            for name in (f"{last}.py", f"{last}/__init__.py"):
                path = f"{directory}/{name}".lstrip("/")
                if self._has(path) and self._is_inside(path):
                    return path
        return ""

    def holds(self, path: str) -> bool:
        """Whether `path` is a file of the project, after all links."""
        return self._has(path) and self._is_inside(path) and os.path.isfile(f"{self.root}/{path}")

    def _has(self, path: str) -> bool:
        """Whether there is a file at `path`; asked from the top, so that most questions end at a known listing."""
        directory = ""
        for part in path.split("/"):
            if part not in self._names(directory):
                return False
            directory = f"{directory}/{part}".lstrip("/")
        return True

    def _names(self, directory: str) -> frozenset[str]:
        if directory not in self._listings:
            try:
                names = os.listdir(f"{self.root}/{directory}")
            except OSError:
                names = []
            self._listings[directory] = frozenset(names)
        return self._listings[directory]

    def _is_inside(self, path: str) -> bool:
        """Whether `path` is below the root after all links, which may lead anywhere."""
        if path not in self._inside:
            self._inside[path] = os.path.realpath(f"{self.root}/{path}").startswith(self._real + os.sep)
        return self._inside[path]
