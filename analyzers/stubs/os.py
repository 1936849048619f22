"""The environment: what is asked for with a default is the default."""

from typing import Any


class Environ:
    """`os.environ`."""

    def get(self, key: Any, default: Any = None) -> Any:  # noqa: ARG002 -- the signature is the point
        """The default."""
        return default


environ = Environ()


def getenv(key: Any, default: Any = None) -> Any:  # noqa: ARG001 -- the signature is the point
    """The default."""
    return default
