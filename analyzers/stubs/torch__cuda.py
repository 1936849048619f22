"""torch.cuda: whether there is a GPU cannot be told from the code."""

from typing import Any


def is_available() -> Any:
    """Nobody knows."""
    return ...


def device_count() -> Any:
    """Nobody knows."""
    return ...
