"""Times in words."""


def shown_time(seconds: float) -> str:
    """Seconds as people say them: 1.5 s, 83.3 ms."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{max(seconds * 1000, 0.01):.3g} ms"
