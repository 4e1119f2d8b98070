"""A front's folder in the spool of its server."""

import os
from pathlib import Path

from abeja.runtime.messages import SharedBody
from abeja.runtime.spool import NEW_FILE, is_own, locked


class FrontSpool:
    """Where a front puts bodies that are too large for memory. The main process made it, and removes it.

    If something has removed it meanwhile, such as a handler that clears ``$TMPDIR``, it is made again.

    Args:
        folder: the front's own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: list[int] = []

    def create(self) -> tuple[int, Path]:
        """A new empty file that only this user can read: a descriptor to write with, and its path."""
        # What no worker can guess, so that it cannot be there already.
        path = self._folder / f"body-{os.urandom(8).hex()}"
        try:
            return os.open(path, NEW_FILE, 0o600), path
        except FileNotFoundError:
            self._make_again()
            return os.open(path, NEW_FILE, 0o600), path

    def reserve(self, size_bytes: int) -> SharedBody | None:  # noqa: ARG002 (the interface)
        """No memory: what a front shares with the main process is not shared with the workers."""
        return None

    def _make_again(self) -> None:
        spool = self._folder.parent
        try:
            spool.mkdir(mode=0o700)
        except FileExistsError:
            # Made again by another process of this server; or it is someone else's.
            if not is_own(spool):
                raise
        else:
            # So that no other server takes it for one that was left.
            lock = locked(spool)
            self._locks += [] if lock is None else [lock]
        self._folder.mkdir(mode=0o700, exist_ok=True)
