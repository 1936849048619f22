"""torch.nn: a base class whose placing methods return the module itself."""


class Module:
    """The base of every model."""

    def to(self, *_args: object, **_options: object) -> "Module":
        """Return the same module."""
        return self

    def cuda(self, *_args: object) -> "Module":
        """Return the same module."""
        return self

    def eval(self) -> "Module":
        """Return the same module."""
        return self
