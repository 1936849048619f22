"""torch.cuda: the code does not tell whether there is a GPU."""


def is_available() -> object:
    """Return something unknown."""
    return ...


def device_count() -> object:
    """Return something unknown."""
    return ...
