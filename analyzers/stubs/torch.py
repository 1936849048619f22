"""PyTorch, as far as devices go: a `torch.device` is the name that it is given."""

from typing import Any


def device(type: Any = None, index: Any = None) -> Any:  # noqa: A002, ARG001 -- PyTorch's own parameter names
    """The device's name."""
    return type


def get_default_device() -> Any:
    """Set elsewhere."""
    return ...
