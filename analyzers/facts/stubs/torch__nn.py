"""torch.nn: a base class whose placing methods hand the module back."""


class Module:
    """The base of every model."""

    def to(self, *_args: object, **_options: object) -> "Module":
        """The same module."""
        return self

    def cuda(self, *_args: object) -> "Module":
        """The same module."""
        return self

    def eval(self) -> "Module":
        """The same module."""
        return self
