"""PyTorch, as far as devices go: a `torch.device` is the name that it is given."""


def device(type: object = None, index: object = None) -> object:  # noqa: A002, ARG001 -- PyTorch's own parameter names
    """Return the device's name."""
    return type


def get_default_device() -> object:
    """Return something unknown: it is set elsewhere."""
    return ...
