"""cpio archives, good and bad, as abeja-runtime extracts them."""

import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from abeja.runtime import ArchiveUnreadableError, Member, MemberKind
from abeja.runtime.testing import Archive, ExtractorContract

import abeja_runtime_lambda.cpio
from abeja_runtime_lambda.cpio import members

Extract = Callable[[bytes], "subprocess.CompletedProcess[str]"]


def member(
    name: str | bytes,
    data: bytes = b"",
    *,
    kind: int = stat.S_IFREG,
    mode: int = 0o644,
    inode: int = 0,
    links: int = 1,
    size: int | None = None,
    check: int | None = None,
) -> bytes:
    """One member; with `check` in the format that has checksums."""
    encoded = (name.encode() if isinstance(name, str) else name) + b"\0"
    length = len(data) if size is None else size
    numbers = [inode, kind | mode, links, 0, 0, 0, length, 0, 0, 0, 0, len(encoded), check or 0]
    header = (b"070701" if check is None else b"070702") + b"".join(b"%08x" % number for number in numbers)
    return padded(header + encoded) + padded(data)


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


TRAILER = member("TRAILER!!!")
FOLDER, LINK, PIPE = stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO
NOISE = bytes(range(256)) * 1000


class TestCpio(ExtractorContract):
    plugin = abeja_runtime_lambda.cpio
    samples = (
        Archive(
            member("a", b"content") + member("sub/b", NOISE) + TRAILER, {"a": b"content", "sub/b": NOISE}
        ),
        Archive(member("empty") + TRAILER, {"empty": b""}),
        Archive(member("a", b"abc", check=sum(b"abc")) + member("TRAILER!!!", check=0), {"a": b"abc"}),
    )
    foreign = {
        **ExtractorContract.foreign,
        "odc": Archive(b"070707" + b"0" * 99, {}),
        "only half a magic": Archive(b"0707", {}),
    }


@pytest.fixture
def extract(tmp_path: Path) -> Extract:
    """Extracts an archive to the folder `result`, as a user does."""

    def run(archive: bytes) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "archive").write_bytes(archive)
        command = [
            sys.executable,
            "-m",
            "abeja.runtime",
            "extract",
            str(tmp_path / "archive"),
            str(tmp_path / "result"),
        ]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def read(path: Path) -> list[tuple[Member, bytes]]:
    return [(found, b"".join(found.chunks)) for found in members(path)]


def test_files_folders_and_links_are_extracted(extract: Extract, tmp_path: Path) -> None:
    done = extract(
        member(".", kind=FOLDER, mode=0o755)
        + member("sub", kind=FOLDER, mode=0o755)
        + member("sub/model.bin", b"weights", mode=0o755)
        + member("latest", b"sub/model.bin", kind=LINK)
        + TRAILER
        + b"\0" * 300
    )

    result = tmp_path / "result"
    assert done.returncode == 0, done.stderr
    assert (result / "latest").read_bytes() == b"weights"
    assert (result / "latest").is_symlink()
    assert (result / "sub/model.bin").stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in result.rglob("*")) == ["latest", "model.bin", "sub"]


@pytest.mark.parametrize("position", [0, 1, 2], ids=["first", "middle", "last"])
def test_all_names_of_a_file_have_its_content(extract: Extract, tmp_path: Path, position: int) -> None:
    names = ["a", "b", "c"]
    parts = [
        member(name, b"shared" if number == position else b"", inode=7, links=3)
        for number, name in enumerate(names)
    ]

    done = extract(b"".join(parts) + TRAILER)

    assert done.returncode == 0, done.stderr
    assert [(tmp_path / "result" / name).read_bytes() for name in names] == [b"shared"] * 3
    assert len({(tmp_path / "result" / name).stat().st_ino for name in names}) == 1


def test_an_empty_file_of_two_names_is_there_twice(extract: Extract, tmp_path: Path) -> None:
    done = extract(member("a", inode=7, links=2) + member("b", inode=7, links=2) + TRAILER)

    assert done.returncode == 0, done.stderr
    assert [(tmp_path / "result" / name).read_bytes() for name in "ab"] == [b"", b""]


REFUSED = {
    "upwards": member("../a", b"x"),
    "absolute": member("/a", b"x"),
    "link out": member("a", b"../../b", kind=LINK),
    "link to absolute": member("a", b"/etc/passwd", kind=LINK),
    "through a link": member("a", b".", kind=LINK) + member("a/b", b"x"),
    "pipe": member("a", kind=PIPE),
    "device": member("a", kind=stat.S_IFCHR),
    "twice": member("a", b"x") + member("a", b"y"),
    "case": member("a", b"x") + member("A", b"y"),
    "not UTF-8": member(b"\xff", b"x"),
    "NUL": member("a\0b", b"x"),
}


@pytest.mark.parametrize("archive", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_safe_is_refused_and_leaves_nothing(
    extract: Extract, tmp_path: Path, archive: bytes
) -> None:
    done = extract(archive + TRAILER)

    assert (done.returncode, "archive-refused" in done.stderr) == (3, True), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


GOOD = member("a", b"content") + member("b", b"more") + TRAILER
DAMAGED = {
    "no trailer": GOOD[: -len(TRAILER)],
    "behind the trailer": GOOD + b"\0\0more",
    "second archive": GOOD + GOOD,
    "wrong checksum": member("a", b"abc", check=5) + TRAILER,
    "size beyond the end": member("a", b"abc", size=500) + TRAILER,
    "long name": member("a" * 5000) + TRAILER,
    "folder with content": member("a", b"abc", kind=FOLDER) + TRAILER,
    "long link": member("a", b"b" * 5000, kind=LINK) + TRAILER,
    "no digits": GOOD.replace(b"00000007", b"+0x00007", 1),
    "spaces for digits": GOOD.replace(b"00000007", b"       7", 1),
    "other magic inside": member("a") + b"070707" + TRAILER[6:],
    "many names without content": b"".join(member(f"{n}", inode=n, links=2) for n in range(10_002)) + TRAILER,
}


@pytest.mark.parametrize("archive", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_is_damaged_is_unreadable_and_leaves_nothing(
    extract: Extract, tmp_path: Path, archive: bytes
) -> None:
    done = extract(archive)

    assert (done.returncode, "archive-unreadable" in done.stderr) == (3, True), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_an_archive_that_is_cut_anywhere_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    for length in range(6, len(GOOD)):
        path.write_bytes(GOOD[:length])
        with pytest.raises(ArchiveUnreadableError):
            read(path)


def test_a_name_without_an_end_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(GOOD.replace(b"a\0", b"ab", 1))

    with pytest.raises(ArchiveUnreadableError, match="has no end"):
        read(path)


def test_kinds_are_those_of_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(
        member("f", b"x", mode=0o600) + member("d", kind=FOLDER) + member("p", kind=PIPE) + TRAILER
    )

    found = read(path)

    assert [(item.name, item.kind, data) for item, data in found] == [
        ("f", MemberKind.FILE, b"x"),
        ("d", MemberKind.FOLDER, b""),
        ("p", MemberKind.SPECIAL, b""),
    ]
    assert found[0][0].mode == 0o600
