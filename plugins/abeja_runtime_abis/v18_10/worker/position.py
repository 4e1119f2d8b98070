"""Positions in videos."""

# A thousand years.
_LONGEST_MS = 1000 * 365 * 24 * 3600 * 1000


def milliseconds(value: float) -> int:
    """A position as an int; of broken videos it may be negative, infinite or no number, which is 0 here."""
    return round(value) if 0 <= value < _LONGEST_MS else 0
