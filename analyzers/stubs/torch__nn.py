"""torch.nn: a base class whose placing methods hand the module back."""

from typing import Any


class Module:
    """The base of every model."""

    def to(self, *_args: Any, **_options: Any) -> "Module":
        """The same module."""
        return self

    def cuda(self, *_args: Any) -> "Module":
        """The same module."""
        return self

    def eval(self) -> "Module":
        """The same module."""
        return self
