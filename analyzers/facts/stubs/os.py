"""The environment: a variable that is asked for with a default is the default."""


class Environ:
    """`os.environ`."""

    def get(self, key: object, default: object = None) -> object:  # noqa: ARG002 -- the signature is the point
        """Return the default."""
        return default


environ = Environ()


def getenv(key: object, default: object = None) -> object:  # noqa: ARG001 -- the signature is the point
    """Return the default."""
    return default
