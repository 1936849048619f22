"""torch.cuda: the code does not tell whether there is a GPU."""


def is_available() -> object:
    """Return what nobody can tell."""
    return ...


def device_count() -> object:
    """Return what nobody can tell."""
    return ...
