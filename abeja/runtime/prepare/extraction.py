"""Extracts one archive into a fresh folder: the only way from an archive to the disk.

Archives are hostile until they have been read to their end. An extractor reads them and writes
nothing; what it yields is checked against a `Tree` in memory, and written by a `Writer` into a new
folder that only the caller knows. Symbolic links are made last, so that nothing can be written
through one.
"""

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import attrs
from attrs import frozen

from abeja.runtime.errors import (
    AbejaRuntimeError,
    ArchiveRefusedError,
    ArchiveUnreadableError,
    ExtractionFailedError,
)
from abeja.runtime.prepare.limits import Limits, Meter
from abeja.runtime.prepare.member_path import parts_of, refusal
from abeja.runtime.prepare.tree import Node, Tree
from abeja.runtime.prepare.writer import Writer
from abeja.runtime.types import Extractor, Member, MemberKind

_T = TypeVar("_T")

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_UNREADABLE_HINT = "get the archive again, and compare its size or checksum with the original's."
_REFUSED_HINT = "nothing was written. If you trust the archive, extract it with another program and give the folder."


@frozen
class Extracted:
    """What an archive brought.

    Attributes:
        members: files, links and folders, also folders that only their members name.
        size_bytes: of all files together.
    """

    members: int
    size_bytes: int


def choose(archive: Path, extractors: Sequence[Extractor]) -> Extractor:
    """The extractor that recognises an archive.

    Raises:
        ArchiveUnreadableError: none does, or it does not exist or cannot be read.
        ArchiveRefusedError: more than one does.
    """
    names = ", ".join(extractor.name for extractor in extractors) or "none"
    with _named(archive):
        found = [extractor for extractor in extractors if _recognises(extractor, archive)]
        if not found:
            what = "it is empty" if archive.is_file() and not archive.stat().st_size else "its format is not known"
            raise ArchiveUnreadableError(f"{what}.\nKnown by their content: {names}")
        if len(found) > 1:
            raise ArchiveRefusedError(f"it is at once of the formats {', '.join(item.name for item in found)}")
    return found[0]


def extract(
    archive: Path,
    into: Path,
    *,
    extractors: Sequence[Extractor],
    limits: Limits,
    progress: Callable[[int, int | None], None] = lambda *_: None,
) -> Extracted:
    """Write the members of an archive into an empty folder.

    Args:
        archive: a file or folder.
        into: an empty folder of the caller, who deletes it if this raises.
        extractors: those that may be used.
        limits: for the archive.
        progress: called with the bytes that are written.

    Raises:
        ArchiveUnreadableError: it is damaged, cut off, or of no known format.
        ArchiveRefusedError: a member is not safe, or there is too much.
        ExtractionFailedError: it could not be written.
    """
    extractor = choose(archive, extractors)
    if archive.is_dir() and into.resolve().is_relative_to(archive.resolve()):
        raise ArchiveRefusedError(
            f"the folder {archive} has its own destination in it.", hint="copy it to a folder outside of it."
        )
    meter = Meter(limits, archive.stat().st_size if archive.is_file() else None)
    root = os.open(into, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with _named(archive), Writer(root) as writer:
            extraction = _Extraction(writer, meter)
            for member in _read(extractor, archive):
                chunks = _reported(member.chunks, meter.expanded_bytes, progress)
                extraction.add(attrs.evolve(member, chunks=chunks))
            extraction.finish()
            return Extracted(extraction.tree.count, meter.expanded_bytes)
    finally:
        os.close(root)


class _Extraction:
    """One archive on its way to the disk.

    Attributes:
        tree: what was written.
    """

    def __init__(self, writer: Writer, meter: Meter) -> None:
        self.tree = Tree()
        self._writer = writer
        self._meter = meter
        self._symlinks: list[Node] = []

    def add(self, member: Member) -> None:
        """Check a member, and write it unless it is a symlink."""
        parts = parts_of(member.name)
        if not parts:
            if member.kind is not MemberKind.FOLDER:
                raise refusal(member.name, "has a name that means the folder itself")
            return
        if member.kind is MemberKind.SPECIAL:
            raise refusal(member.name, "is a device, a pipe or something else that is no file, folder or link")
        if member.kind is MemberKind.HARDLINK:
            self._add_hardlink(parts, member)
            return
        node, new = self.tree.add(parts, member.kind, target=member.target)
        self._make_folders(new)
        if member.kind is MemberKind.FILE:
            self._meter.admit_file(member)
            with _writing():
                self._writer.write_file(parts, member)
        elif member.kind is MemberKind.SYMLINK:
            self._symlinks.append(node)

    def finish(self) -> None:
        """Make the symlinks, now that everything is there that they may name."""
        for node in self._symlinks:
            self.tree.check_symlink(node)
        with _writing():
            for node in self._symlinks:
                self._writer.make_symlink(node.parts, node.target)

    def _add_hardlink(self, parts: tuple[str, ...], member: Member) -> None:
        target = parts_of(member.target)
        node = self.tree.find(target)
        if node is None or node.kind is not MemberKind.FILE:
            what = "no member before it" if node is None else f"a {node.kind}"
            raise refusal(member.name, f"is a hardlink to {member.target!r}, which is {what}, not a file")
        _, new = self.tree.add(parts, MemberKind.FILE)
        self._make_folders(new)
        with _writing():
            self._writer.make_hardlink(parts, target)

    def _make_folders(self, new: Sequence[Node]) -> None:
        self._meter.admit_count(self.tree.count)
        with _writing():
            for node in new:
                if node.kind is MemberKind.FOLDER:
                    self._writer.make_folder(node.parts)


def _recognises(extractor: Extractor, archive: Path) -> bool:
    try:
        archive.stat()
        return extractor.recognises(archive)
    except Exception as error:  # the file may be missing or unreadable, and a third party's code raise anything
        what = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise ArchiveUnreadableError(f"it cannot be read: {what}") from error


def _read(extractor: Extractor, archive: Path) -> Iterator[Member]:
    for member in _guarded(extractor.members(archive), extractor):
        if not isinstance(member, Member):
            raise ArchiveUnreadableError(f"the extractor {extractor.name} yielded {member!r}, not a member")
        yield attrs.evolve(member, chunks=_guarded(member.chunks, extractor))


def _reported(chunks: Iterable[bytes], done_bytes: int, progress: Callable[[int, int | None], None]) -> Iterator[bytes]:
    for chunk in chunks:
        done_bytes += len(chunk)
        progress(done_bytes, None)
        yield chunk


def _guarded(items: Iterable[_T], extractor: Extractor) -> Iterator[_T]:
    """What an extractor reads; whatever it raises is about the archive, and not about the disk."""
    try:
        yield from items
    except AbejaRuntimeError:
        raise
    except Exception as error:  # decompressors and third parties raise errors of many kinds on damaged data
        what = str(error) or type(error).__name__
        raise ArchiveUnreadableError(f"it cannot be read as {extractor.name}: {what}") from error


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "nothing was left behind; make room on the disk." if error.errno in _FULL else ""
        raise ExtractionFailedError(f"it could not be written: {error.strerror}", hint=hint) from error


@contextmanager
def _named(archive: Path) -> Iterator[None]:
    """Put the archive's path in front of what is wrong with it."""
    try:
        yield
    except (ArchiveUnreadableError, ArchiveRefusedError, ExtractionFailedError) as error:
        hint = error.hint or (_REFUSED_HINT if isinstance(error, ArchiveRefusedError) else _UNREADABLE_HINT)
        raise type(error)(f"{archive}: {error.message.rstrip('.')}.", hint=hint) from error
