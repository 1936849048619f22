"""torch.cuda: whether there is a GPU cannot be told from the code."""


def is_available() -> object:
    """Nobody knows."""
    return ...


def device_count() -> object:
    """Nobody knows."""
    return ...
