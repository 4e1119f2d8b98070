"""tar: what is refused, and what is odd but honest."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MIB = 1024**2
END = bytes(1024)


def info(name: str, kind: bytes = tarfile.REGTYPE, **fields: Any) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    for key, value in fields.items():
        setattr(member, key, value)
    return member


def link(name: str, target: str) -> tarfile.TarInfo:
    return info(name, tarfile.SYMTYPE, linkname=target)


def hardlink(name: str, target: str) -> tarfile.TarInfo:
    return info(name, tarfile.LNKTYPE, linkname=target)


def folder(name: str) -> tarfile.TarInfo:
    return info(name, tarfile.DIRTYPE, mode=0o755)


def tar(*members: tarfile.TarInfo | str, form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of members; a text is a file with its own name as content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for member in members:
            if isinstance(member, str):
                content = member.encode("utf-8", "surrogateescape")
                archive.addfile(info(member, size=len(content)), io.BytesIO(content))
            else:
                archive.addfile(member, io.BytesIO(b"x" * member.size))
    return buffer.getvalue()


def header(name: bytes = b"member", size: bytes = b"00000000000\0", kind: bytes = b"0", *, rest: bytes = b"") -> bytes:
    """A header block with fields as they are given, and a right checksum."""
    block = name.ljust(100, b"\0") + b"0000644\0" * 3 + size + b"0" * 11 + b"\0" + b" " * 8 + kind
    block = (block + bytes(100) + b"ustar\x0000").ljust(512, b"\0")
    block = block[: 512 - len(rest)] + rest if rest else block
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def pax(*records: tuple[str, bytes], kind: bytes = b"x") -> bytes:
    """An extended header."""
    data = b""
    for key, value in records:
        record = b" %s=%s\n" % (key.encode(), value)
        length = len(record) + 1
        while length != len(record) + len(str(length)):
            length = len(record) + len(str(length))
        data += str(length).encode() + record
    return header(b"pax", b"%011o\0" % len(data), kind) + padded(data)


def sparse(real_bytes: int) -> bytes:
    """A file with one hole, in GNU's first format."""
    entries = (b"%011o\0" % real_bytes + b"%011o\0" % 0).ljust(96, b"\0")
    return header(b"hole", kind=b"S", rest=entries + b"\0" + b"%011o\0" % real_bytes + bytes(17))


UNSAFE = {
    "upwards": (tar("../outside/canary"), "leads out"),
    "upwards inside": (tar("a/../../outside/canary"), "leads out"),
    "upwards and back": (tar("a/../b"), "leads out"),
    "absolute": (tar("/abeja-runtime-test"), "absolute"),
    "drive": (tar("C:/x"), "letter of a drive"),
    "backslash": (tar("..\\outside\\canary"), "backslash"),
    "empty name": (header(b"") + END, "empty name"),
    "name of the root": (tar("./."), "means the folder itself"),
    "nul": (pax(("path", b"a\0b")) + header() + END, "NUL"),
    "not utf-8": (tar("a\udcff", form=tarfile.GNU_FORMAT), "not UTF-8"),
    "long name": (tar("n" * 256), "255"),
    "long path": (tar("/".join(["p" * 100] * 30)), "characters"),
    "deep": (tar("/".join("d" * 100)), "64"),
    "symlink upwards": (tar(link("a", "../outside")), "outside of the archive"),
    "symlink absolute": (tar(link("a", "/etc/passwd")), "only relative links"),
    "symlink nowhere": (tar(link("a", "b")), "no member"),
    "symlink empty": (header(b"a", kind=b"2") + END, "only relative links"),
    "symlink to itself": (tar(link("a", "a")), "circle"),
    "symlink circle": (tar(link("a", "b"), link("b", "a")), "circle"),
    "symlink chain upwards": (tar(folder("d"), link("d/a", "."), link("d/b", "a/.."), link("d/c", "b/..")), "outside"),
    "symlink through a file": (tar("f", link("a", "f/../f")), "through a file"),
    "file below a symlink": (tar(link("a", "../outside"), "a/canary"), "as a folder"),
    "file below a symlink that is inside": (tar(folder("d"), link("a", "d"), "a/f"), "as a folder"),
    "file over a symlink": (tar(link("a", "../outside/canary"), "a"), "twice"),
    "symlink over a file": (tar("a", link("a", "../outside/canary")), "twice"),
    "folder over a symlink": (tar(link("a", "../outside"), folder("a"), "a/canary"), "as a folder"),
    "file below a file": (tar("a", "a/b"), "as a folder"),
    "file over a folder": (tar("a/b", "a"), "twice"),
    "hardlink upwards": (tar(hardlink("a", "../outside/canary")), "leads out"),
    "hardlink absolute": (tar(hardlink("a", "/etc/passwd")), "absolute"),
    "hardlink nowhere": (tar(hardlink("a", "b")), "no member before it"),
    "hardlink to a later member": (tar(hardlink("a", "b"), "b"), "no member before it"),
    "hardlink to a symlink": (tar("f", link("a", "f"), hardlink("b", "a")), "a symlink"),
    "hardlink to a folder": (tar(folder("d"), hardlink("b", "d")), "a folder"),
    "hardlink over a file": (tar("a", "b", hardlink("b", "a")), "twice"),
    "character device": (tar(info("a", tarfile.CHRTYPE, devmajor=1, devminor=3)), "device"),
    "block device": (tar(info("a", tarfile.BLKTYPE)), "device"),
    "pipe": (tar(info("a", tarfile.FIFOTYPE)), "device"),
    "unknown kind": (header(kind=b"Z") + END, "something else"),
    "duplicate": (tar("a", "a"), "twice"),
    "duplicate by dots": (tar("a", "./a"), "twice"),
    "case clash": (tar("Model", "model"), "case or Unicode form"),
    "case clash of folders": (tar("Model/a", "model/b"), "case or Unicode form"),
    "case clash of sharp s": (tar("stra\u00dfe", "strasse"), "case or Unicode form"),
    "unicode clash": (tar("caf\u00e9", "cafe\u0301"), "case or Unicode form"),
    "huge sparse": (sparse(2**33 - 1) + END, "bytes in an archive"),
    "sparse above the limit": (sparse(8 * MIB) + END, "limit is"),
    "sparse overlap": (
        pax(("GNU.sparse.map", b"0,4,2,4"), ("GNU.sparse.size", b"9")) + header() + END,
        "overlap",
    ),
    "global path": (pax(("path", b"a"), kind=b"g") + header() + END, "global header"),
    "huge extended header": (header(size=b"77777777777\0", kind=b"x") + END, "without measure"),
    "huge long name": (header(size=b"77777777777\0", kind=b"L") + END, "without measure"),
    "many extended headers": (pax(("a", b"b")) * 20 + header() + END, "without measure"),
    "data behind the end": (tar("a") + tar("b"), "behind its end"),
}
DAMAGED = {
    "cut in a header": (tar("a")[:100], "format is not known"),
    "cut in a member": (tar("a" * 50)[:520], "cut off"),
    "cut behind a member": (tar("a")[:1024], "no end mark"),
    "checksum of a header": (tar("a")[:10] + b"?" + tar("a")[11:], "wrong checksum"),
    "negative size": (header(size=b"-0000000001\0") + END, "for a number"),
    "negative binary size": (header(size=b"\xff" * 12) + END, "for a number"),
    "negative extended size": (pax(("size", b"-1")) + header() + END, "for a number"),
    "absurd extended size": (pax(("size", b"9" * 30)) + header() + END, "for a number"),
    "size that is no number": (header(size=b"a size     \0") + END, "for a number"),
    "extended header that lies": (
        header(size=b"00000000006\0", kind=b"x") + padded(b"99 a=b") + header() + END,
        "damaged",
    ),
    "extended header of no length": (header(size=b"00000000006\0", kind=b"x") + padded(b"0 a=b\n") + END, "damaged"),
    "sparse without a size": (pax(("GNU.sparse.map", b"0,0")) + header() + END, "no size"),
    "sparse with half a map": (pax(("GNU.sparse.map", b"0"), ("GNU.sparse.size", b"9")) + header() + END, "map"),
    "gzip of something else": (gzip.compress(b"no tar" * 200), "its format is not known"),
    "gzip of nothing": (gzip.compress(b""), "its format is not known"),
    "text": (b"just a text", "format is not known"),
    "nothing": (b"", "it is empty"),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_unsafe_tar_is_refused_and_nothing_is_written(sandbox: Any, case: str) -> None:
    data, reason = UNSAFE[case]

    error = sandbox.refuse(data, "--max-training-result", "4MB" if "limit" in case else "64GB")

    assert error.startswith("Error: archive-refused: ")
    assert reason in error


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("case", ["upwards", "file below a symlink", "data behind the end"])
def test_unsafe_tar_is_refused_in_any_compression(sandbox: Any, case: str, compress: Callable[[bytes], bytes]) -> None:
    data, reason = UNSAFE[case]

    assert reason in sandbox.refuse(compress(data))


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_tar_is_an_error_and_nothing_is_written(sandbox: Any, case: str) -> None:
    data, reason = DAMAGED[case]

    error = sandbox.refuse(data)

    assert error.startswith("Error: archive-unreadable: ")
    assert reason in error


@pytest.mark.parametrize("size", [b"77777777777\0", b"\x80" + b"\x00" * 3 + b"\x7f" + b"\xff" * 7])
def test_absurd_size_is_refused_before_anything_is_written(sandbox: Any, size: bytes) -> None:
    assert "bytes" in sandbox.refuse(header(size=size) + END)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("where", ["middle", "checksum", "last byte"])
def test_cut_stream_is_noticed(sandbox: Any, compress: Callable[[bytes], bytes], where: str) -> None:
    data = compress(tar("member") + bytes(8 * 1024))
    cut = {"middle": len(data) // 2, "checksum": len(data) - 6, "last byte": len(data) - 1}[where]

    assert "archive-unreadable" in sandbox.refuse(data[:cut])


@pytest.mark.parametrize(("compress", "index"), [(gzip.compress, -8), (bz2.compress, -4), (lzma.compress, -30)])
def test_wrong_checksum_of_the_stream_is_noticed(sandbox: Any, compress: Callable[[bytes], bytes], index: int) -> None:
    data = bytearray(compress(tar("member")))
    data[index] ^= 0xFF

    assert "archive-unreadable" in sandbox.refuse(bytes(data))


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_bomb_is_refused_by_its_ratio(sandbox: Any, compress: Callable[[bytes], bytes]) -> None:
    bomb = header(b"zeros", b"%011o\0" % (48 * MIB)) + bytes(48 * MIB) + END

    assert "taken for a bomb" in sandbox.refuse(compress(bomb))


def test_archive_of_headers_without_members_ends(sandbox: Any) -> None:
    assert "without measure" in sandbox.refuse(gzip.compress(pax(("a", b"b")) * 20_000))


def test_endless_padding_is_refused(sandbox: Any) -> None:
    assert "behind its end" in sandbox.refuse(gzip.compress(tar("a") + bytes(20 * MIB)))


def test_xz_that_wants_much_memory_is_refused(sandbox: Any) -> None:
    data = bytearray(lzma.compress(tar("a")))
    # The size of the dictionary stands in the block header, before its CRC (xz format 3.1, 5.3.1).
    size = (data[12] + 1) * 4
    data[12 + 4] = 36
    data[12 + size - 4 : 12 + size] = zlib.crc32(data[12 : 12 + size - 4]).to_bytes(4, "little")

    assert "emory" in sandbox.refuse(bytes(data))


HONEST = {
    "leading dots": (tar(folder("./"), folder("./a"), "./a/b"), {"a/b": b"./a/b"}),
    "folders that are not members": (tar("a/b/c"), {"a/b/c": b"a/b/c"}),
    "double slashes": (tar("a//b"), {"a/b": b"a//b"}),
    "folder twice": (tar(folder("a"), "a/b", folder("a")), {"a/b": b"a/b"}),
    "gnu long name": (tar("n" * 200 + "/" + "m" * 200, form=tarfile.GNU_FORMAT), None),
    "pax long name": (tar("n" * 200 + "/" + "m" * 200), None),
    "ustar prefix": (tar("n" * 90 + "/" + "m" * 90, form=tarfile.USTAR_FORMAT), None),
    "japanese": (tar("\u7d50\u679c/\u30e2\u30c7\u30eb.h5"), None),
    "colon and spaces": (tar("epoch: 10", "a b"), None),
    "dots in names": (tar("..a", "b..", "...", ".hidden"), None),
    "contiguous file": (tar(info("a", b"7", size=3)), {"a": b"xxx"}),
    "old file": (tar(info("a", tarfile.AREGTYPE, size=3), form=tarfile.USTAR_FORMAT), {"a": b"xxx"}),
    "old folder": (header(b"d/", kind=b"\0") + tar("d/a"), {"d/a": b"d/a"}),
    "volume label": (header(b"label", kind=b"V") + tar("a"), {"a": b"a"}),
    "comment for all": (pax(("comment", b"commit"), kind=b"g") + tar("a"), {"a": b"a"}),
    "one end block": (tar("a")[:1536], {"a": b"a"}),
    "much padding": (tar("a") + bytes(2 * MIB), {"a": b"a"}),
    "empty file": (tar(info("a")), {"a": b""}),
    "empty": (tar(), {}),
}


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["", "gz", "bz2", "xz"])
@pytest.mark.parametrize("case", HONEST)
def test_odd_but_honest_tar_is_extracted(sandbox: Any, case: str, compress: Callable[[bytes], bytes]) -> None:
    data, files = HONEST[case]

    result = sandbox.extract(compress(data))

    assert result.code == 0, result.stderr
    found = result.files()
    assert found == ({name: name.encode() for name in found} if files is None else files)
    assert files is not None or found


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_stream_in_several_pieces_is_extracted(sandbox: Any, compress: Callable[[bytes], bytes]) -> None:
    data = tar("a", "b")

    assert set(sandbox.extract(compress(data[:700]) + compress(data[700:])).files()) == {"a", "b"}


def test_links_inside_are_made(sandbox: Any) -> None:
    data = tar(
        link("current", "runs/2"), link("model", "current/../2/m"), "runs/2/m", hardlink("copy", "./runs/2/m"), "runs/1"
    )

    result = sandbox.extract(data)

    assert (result.code, result.stderr) == (0, "7 members, 14 bytes\n")
    assert (result.dest / "model").read_bytes() == b"runs/2/m"
    assert Path(result.dest / "current").readlink() == Path("runs/2")
    assert (result.dest / "copy").samefile(result.dest / "runs/2/m")


def test_modes_are_sane(sandbox: Any) -> None:
    before = os.umask(0o022)
    try:
        result = sandbox.extract(
            tar(
                info("set", mode=0o6777),
                info("closed", mode=0),
                info("script", mode=0o755),
                info("d", tarfile.DIRTYPE, mode=0o1777),
                "d/a",
            )
        )
    finally:
        os.umask(before)

    modes = {path.name: path.stat().st_mode & 0o7777 for path in result.dest.iterdir()}
    assert modes == {"set": 0o755, "closed": 0o600, "script": 0o755, "d": 0o755}


@pytest.mark.parametrize("form", ["gnu", "oldgnu", "0.0", "0.1", "1.0"])
def test_sparse_files_of_gnu_tar_are_extracted(sandbox: Any, form: str) -> None:
    source = sandbox.folder / "source"
    source.mkdir()
    with (source / "sparse").open("wb") as file:
        for piece in range(40):
            file.seek(piece * 100_000)
            file.write(b"piece")
        file.truncate(5_000_000)
    options = [f"--format={form}"] if form.endswith("gnu") else ["--format=posix", f"--sparse-version={form}"]
    try:
        subprocess.run(
            ["tar", "--sparse", *options, "-C", str(source), "-cf", str(sandbox.archive), "sparse"],  # noqa: S607 (the PATH's)
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no GNU tar")

    result = sandbox.extract()

    assert result.files() == {"sparse": (source / "sparse").read_bytes()}
