"""Numbers as people read them: a latency, a duration, money, a share."""


def latency(ms: float | None, none: str = "-") -> str:
    """Show three figures: 4.2 ms, 612 ms, 1.24 s, 96 s."""
    if ms is None:
        return none
    if ms < 9.95:
        return f"{ms:.1f} ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.2f} s" if ms < 9_995 else f"{ms / 1000:.0f} s"


def clock(seconds: float) -> str:
    """Show minutes and seconds, with hours where there are any: 0:07, 12:40, 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def money(amount: float, currency: str) -> str:
    """Show as many decimals as small amounts need to differ."""
    decimals = 2 if amount >= 10 else 4 if amount >= 0.1 else 5
    return f"{amount:.{decimals}f} {currency}"


def share(value: float | None, none: str = "-") -> str:
    """Show a share between 0 and 1 in per cent."""
    return none if value is None else f"{value * 100:.0f} %"


def rate(value: float) -> str:
    """Show answers a second."""
    return f"{value:.1f} /s" if value < 100 else f"{value:,.0f} /s"
