"""Ids for requests that come without one."""

import os

_ID_BYTES = 16
# The system is asked for so many at once: each time costs as much as the rest of reading a small request's head.
_COUNT = 256


class RequestIds:
    """Random ids, of 32 hexadecimal digits."""

    def __init__(self) -> None:
        self._left: list[str] = []

    def new(self) -> str:
        """One that no other request has."""
        if not self._left:
            digits = os.urandom(_ID_BYTES * _COUNT).hex()
            self._left = [digits[start : start + 2 * _ID_BYTES] for start in range(0, len(digits), 2 * _ID_BYTES)]
        return self._left.pop()
