"""Durations as a clock shows them."""


def clock(seconds: float) -> str:
    """Such as ``0:09`` or ``1:02:03``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
