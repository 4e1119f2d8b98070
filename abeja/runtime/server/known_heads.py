"""Heads that have been read before: most clients send the same bytes again and again."""

from collections.abc import Callable

from abeja.runtime.server.head import Head

_COUNT = 256
_SIZE_BYTES = 4 * 1024


class KnownHeads:
    """Raw heads and what they mean: the same bytes always mean the same.

    The oldest are forgotten, and only those are known whose body needs no parser.

    Attributes:
        get: what a raw head means; None if it is not known.
    """

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}
        self.get: Callable[[bytes], Head | None] = self._heads.get

    def add(self, raw: bytes, head: Head) -> None:
        """Remember a head that llhttp has read, if that helps."""
        if head.problem is not None or head.client_id or len(raw) > _SIZE_BYTES:
            return
        if "transfer-encoding" in head.fields or "upgrade" in head.fields:
            return
        if len(self._heads) >= _COUNT:
            del self._heads[next(iter(self._heads))]
        self._heads[raw] = head
