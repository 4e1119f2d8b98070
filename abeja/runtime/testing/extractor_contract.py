"""What an extractor promises."""

import gzip
import io
import random
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen

from abeja.runtime.prepare.extraction import extract
from abeja.runtime.prepare.limits import Limits
from abeja.runtime.testing.plugin_contract import Parameters, PluginContract, numbered, raised_by
from abeja.runtime.testing.snapshot import snapshot, write_files
from abeja.runtime.types import Member, MemberKind

# "At most a few MiB": so much of an archive may be in memory at a time.
_CHUNK_LIMIT_BYTES = 8 * 1024**2
_TOTAL_LIMIT_BYTES = 1024**3


@frozen
class Archive:
    """An archive of the extractor's format.

    Attributes:
        data: its bytes, without padding that may be missing; of a format that is a folder, the contents of
            its files by their names.
        files: the contents that it must give, by name.
    """

    data: bytes | Mapping[str, bytes] = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)

    def write(self, path: Path) -> Path:
        """Make it at `path`."""
        if isinstance(self.data, bytes):
            path.write_bytes(self.data)
        else:
            path.mkdir()
            write_files(path, dict(self.data))
        return path


def _gzip() -> bytes:
    return gzip.compress(b"only text", mtime=0)


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return buffer.getvalue()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"x")
    return buffer.getvalue()


# What other formats look like, by name.
FOREIGN: Mapping[str, Archive] = {
    "empty": Archive(b"", {}),
    "one byte": Archive(b"P", {}),
    "text": Archive(b"just a text\n" * 100, {}),
    "zeros": Archive(bytes(100), {}),
    "noise": Archive(random.Random(0).randbytes(20_000), {}),  # noqa: S311 (the same noise each time)
    "png": Archive(b"\x89PNG\r\n\x1a\n" + bytes(600), {}),
    "gzip": Archive(_gzip(), {}),
    "tar": Archive(_tar(), {}),
    "zip": Archive(_zip(), {}),
    "directory": Archive({"a": b"x"}, {}),
}


class ExtractorContract(PluginContract):
    """What an extractor promises.

    Example::

        class TestCpio(ExtractorContract):
            plugin = cpio_extractor
            samples = [Archive(CPIO, files={"a.txt": b"content"})]

    Attributes:
        samples: archives of its format.
        foreign: files and folders that are not of its format; without the one that is called as the extractor.
    """

    kind = "extractor"
    samples: Sequence[Archive] = ()
    foreign: Mapping[str, Archive] = FOREIGN

    def parameters(self) -> Parameters:
        """See `PluginContract`."""
        others = {name: archive for name, archive in self.foreign.items() if name != self.value.name}
        return {"archive": numbered(self.samples), "other": others}

    def test_it_has_samples(self) -> None:
        """With files in them."""
        assert self.samples, "the class attribute `samples` has archives of the format"
        assert any(archive.files for archive in self.samples), "no sample has a file"

    def test_an_archive_is_recognised_by_its_content(self, archive: Archive, tmp_path: Path) -> None:
        """Its name says nothing."""
        for name in ("archive", "archive.txt", "archive.png", "archive.tar.gz", "archive.zip"):
            path = archive.write(tmp_path / name)
            assert self.value.recognises(path) is True, f"not recognised as {name}"

    def test_other_formats_are_not_recognised(self, other: Archive, tmp_path: Path) -> None:
        """Also under a name that looks like its own: exactly one extractor must recognise an archive."""
        for name in ("other", f"other.{self.value.name}"):
            assert self.value.recognises(other.write(tmp_path / name)) is False

    def test_its_members_are_those_of_the_archive(self, archive: Archive, tmp_path: Path) -> None:
        """Names, sizes and contents, in pieces that fit into memory, each time the same."""
        path = archive.write(tmp_path / "archive")

        assert self._files(path) == dict(archive.files)
        assert self._files(path) == dict(archive.files), "the second reading is another"

    def test_abeja_runtime_extracts_it(self, archive: Archive, tmp_path: Path) -> None:
        """What is yielded is not refused."""
        path, dest = archive.write(tmp_path / "archive"), tmp_path / "dest"
        dest.mkdir()

        extract(path, dest, extractors=[self.value], limits=Limits(total_bytes=_TOTAL_LIMIT_BYTES))

        found = {str(file.relative_to(dest)): file.read_bytes() for file in dest.rglob("*") if file.is_file()}
        assert found == dict(archive.files)

    def test_a_cut_archive_is_noticed(self, archive: Archive, tmp_path: Path) -> None:
        """Wherever it was cut off, up to its last byte."""
        data = archive.data
        if not isinstance(data, bytes):
            return  # a folder cannot be cut
        for length in sorted({len(data) // 4, len(data) // 2, len(data) * 3 // 4, len(data) - 1}):
            path = tmp_path / f"cut-{length}"
            path.write_bytes(data[:length])
            if self.value.recognises(path):
                error = raised_by(self._files, path)
                assert isinstance(error, Exception), f"{length} of {len(data)} bytes are read as if they were all"

    def test_reading_touches_nothing(self, archive: Archive, tmp_path: Path) -> None:
        """An extractor writes nothing: abeja-runtime does."""
        path = archive.write(tmp_path / "archive")
        before = snapshot(tmp_path)

        self.value.recognises(path)
        self._files(path)

        assert snapshot(tmp_path) == before

    def _files(self, path: Path) -> dict[str, bytes]:
        files = {}
        for member in self.value.members(path):
            assert isinstance(member, Member), f"expected a Member, found {member!r}"
            if member.kind is MemberKind.FILE:
                files[member.name] = _content(member)
        return files


def _content(member: Member) -> bytes:
    chunks: list[Any] = list(member.chunks)
    for chunk in chunks:
        assert isinstance(chunk, bytes), f"{member.name}: expected bytes, found {type(chunk).__name__}"
        assert len(chunk) <= _CHUNK_LIMIT_BYTES, f"{member.name}: a chunk of {len(chunk)} bytes"
    content = b"".join(chunks)
    assert len(content) == member.size_bytes, f"{member.name}: {member.size_bytes} bytes announced, {len(content)} read"
    return content
