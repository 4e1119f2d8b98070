"""How long to wait before something that has failed is tried again."""

_FIRST_S = 0.5
_LAST_S = 30.0


def delay_s(failures: int) -> float:
    """0.5, 1, 2, ... s after 0, 1, 2, ... failures before the last one, at most 30 s."""
    return min(_FIRST_S * 2.0 ** min(failures, 10), _LAST_S)
