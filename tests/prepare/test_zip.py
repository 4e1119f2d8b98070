"""zip: what is refused, and what is odd but honest."""

import io
import stat
import struct
import warnings
import zipfile
import zlib
from typing import Any, BinaryIO, cast

import pytest

MIB = 1024**2
CENTRAL, LOCAL, END = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"
# Offsets of fields: in a central header, and in a local one.
FLAGS, METHOD, CRC, COMPRESSED, SIZE, NAME_SIZE, ATTRIBUTES, OFFSET = 8, 10, 16, 20, 24, 28, 38, 42
LOCAL_CRC, LOCAL_COMPRESSED, LOCAL_SIZE = 14, 18, 22


def entry(name: str, mode: int = stat.S_IFREG | 0o644, *, system: int = 3) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    # ZipInfo cuts a name at a NUL.
    info.filename = name
    info.external_attr = mode << 16
    info.create_system = system
    return info


def zipped(*members: str | tuple[zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of members; a text is a file with its own name as content."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore", UserWarning)
        for member in members:
            info, content = (entry(member), member.encode()) if isinstance(member, str) else member
            archive.writestr(info, content, method)
    return buffer.getvalue()


def patched(data: bytes, signature: bytes, offset: int, value: bytes, *, last: bool = False) -> bytes:
    """The zip with a field of the first (or last) record of a kind replaced."""
    start = (data.rindex(signature) if last else data.index(signature)) + offset
    return data[:start] + value + data[start + len(value) :]


def long(value: int) -> bytes:
    return struct.pack("<L", value)


class Pipe(io.RawIOBase):
    """A file that cannot seek, so that zipfile writes descriptors behind members."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += bytes(data)
        return len(data)


def streamed(*names: str, is_64: bool = False) -> bytes:
    pipe = Pipe()
    with zipfile.ZipFile(cast(BinaryIO, pipe), "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            with archive.open(entry(name), "w", force_zip64=is_64) as file:
                file.write(name.encode())
    return pipe.data


def overlapping() -> bytes:
    """Two members that share the data of one."""
    data = zipped("a", "b", method=zipfile.ZIP_STORED)
    return patched(data, CENTRAL, OFFSET, long(0), last=True)


def quine_of_local_headers() -> bytes:
    """A member whose data have the next member's header and data in them."""
    inner = LOCAL + struct.pack("<5H3L2H", 20, 0, 0, 0, 0, zlib.crc32(b"i"), 1, 1, 1, 0) + b"ii"
    data = zipped((entry("outer"), inner), method=zipfile.ZIP_STORED)
    body, directory = data[: data.index(CENTRAL)], data[data.index(CENTRAL) : data.index(END)]
    second = bytearray(zipped("i", method=zipfile.ZIP_STORED))
    second = bytearray(second[second.index(CENTRAL) : second.index(END)])
    second[OFFSET : OFFSET + 4] = long(body.index(inner))
    directory += bytes(second)
    return body + directory + struct.pack("<4s4H2LH", END, 0, 0, 2, 2, len(directory), len(body), 0)


def hidden_member() -> bytes:
    """A member between two others, which the central directory leaves out."""
    data = zipped("a", "b", "c")
    start = data.index(CENTRAL)
    second = data.index(CENTRAL, start + 1)
    third = data.index(CENTRAL, second + 1)
    end = data.index(END)
    directory = data[start:second] + data[third:end]
    return data[:start] + directory + struct.pack("<4s4H2LH", END, 0, 0, 2, 2, len(directory), start, 0)


def two_ends() -> bytes:
    """A zip whose comment is the end of another zip, with another directory."""
    first = zipped("a")
    directory = first[first.index(CENTRAL) : first.index(END)]
    start = len(first)
    second_end = struct.pack("<4s4H2LH", END, 0, 0, 1, 1, len(directory), start, 0)
    comment = directory + second_end
    return first[:-2] + struct.pack("<H", len(comment)) + comment


PLAIN = zipped("member")
STORED = zipped("member", method=zipfile.ZIP_STORED)

UNSAFE = {
    "upwards": (zipped("../outside/canary"), "leads out"),
    "absolute": (zipped("/abeja-runtime-test"), "absolute"),
    "drive": (zipped("C:x"), "letter of a drive"),
    "share": (zipped("\\\\server\\x"), "backslash"),
    "backslash": (zipped("..\\x"), "backslash"),
    "nul": (zipped("a\0b"), "NUL"),
    "empty name": (zipped(""), "empty name"),
    "duplicate": (zipped("a", "a"), "twice"),
    "case clash": (zipped("a/B", "a/b"), "case or Unicode form"),
    "unicode clash": (zipped("caf\u00e9", "cafe\u0301"), "case or Unicode form"),
    "file below a file": (zipped("a", "a/b"), "as a folder"),
    "deep": (zipped("/".join("d" * 100)), "64"),
    "long name": (zipped("n" * 300), "255"),
    "symlink upwards": (zipped((entry("a", stat.S_IFLNK | 0o777), b"../outside")), "outside of the archive"),
    "symlink absolute": (zipped((entry("a", stat.S_IFLNK | 0o777), b"/etc/passwd")), "only relative links"),
    "file below a symlink": (
        zipped((entry("a", stat.S_IFLNK | 0o777), b"../outside"), "a/canary"),
        "as a folder",
    ),
    "symlink of much text": (zipped((entry("a", stat.S_IFLNK | 0o777), b"b" * 5000)), "target of 5000 bytes"),
    "device": (zipped((entry("a", stat.S_IFCHR | 0o666), b"")), "device"),
    "pipe": (zipped((entry("a", stat.S_IFIFO | 0o666), b"")), "device"),
    "folder with data": (zipped((entry("a/", stat.S_IFDIR | 0o755), b"data")), "bytes of data"),
    "encrypted": (patched(patched(PLAIN, CENTRAL, FLAGS, b"\1\0"), LOCAL, 6, b"\1\0"), "is encrypted"),
    "unknown method": (patched(patched(PLAIN, CENTRAL, METHOD, b"\x63\0"), LOCAL, 8, b"\x63\0"), "method 99"),
    "other name": (patched(PLAIN, LOCAL, 30, b"remenb"), "another one in its own header"),
    "other size": (patched(STORED, LOCAL, LOCAL_SIZE, long(5)), "another one in its own header"),
    "other compressed size": (patched(PLAIN, LOCAL, LOCAL_COMPRESSED, long(5)), "another one in its own header"),
    "other checksum": (patched(PLAIN, LOCAL, LOCAL_CRC, long(5)), "another one in its own header"),
    "other method": (patched(PLAIN, LOCAL, 8, b"\0\0"), "another one in its own header"),
    "size too small": (
        patched(patched(PLAIN, CENTRAL, SIZE, long(3)), LOCAL, LOCAL_SIZE, long(3)),
        "not the size",
    ),
    "size too large": (
        patched(patched(PLAIN, CENTRAL, SIZE, long(9)), LOCAL, LOCAL_SIZE, long(9)),
        "not the size",
    ),
    "overlap": (overlapping(), "overlaps"),
    "quoted header": (quine_of_local_headers(), "overlaps"),
    "hidden member": (hidden_member(), "belongs to none"),
    "data in front": (b"PK\3\4" + PLAIN, "Error"),
    "several parts": (patched(PLAIN, END, 4, b"\1\0"), "one part of several"),
    "two ends": (two_ends(), "more than one end record"),
}
DAMAGED = {
    "cut": (PLAIN[:-1], "cut off"),
    "cut in the middle": (zipped("a", "b" * 100)[:80], "cut off"),
    "data behind the end": (PLAIN + b"garbage", "behind its end"),
    "wrong checksum": (
        patched(patched(PLAIN, CENTRAL, CRC, long(5)), LOCAL, LOCAL_CRC, long(5)),
        "CRC is wrong",
    ),
    "damaged data": (STORED.replace(b"member", b"rebmem", 2).replace(b"rebmem", b"member", 1), "CRC is wrong"),
    "no header at the offset": (patched(PLAIN, CENTRAL, OFFSET, long(5)), "Error"),
    "fewer entries": (patched(zipped("a", "b"), END, 8, b"\1\0\1\0"), "another size"),
    "more entries": (patched(PLAIN, END, 8, b"\2\0\2\0"), "damaged"),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_unsafe_zip_is_refused_and_nothing_is_written(sandbox: Any, case: str) -> None:
    data, reason = UNSAFE[case]

    assert reason in sandbox.refuse(data)


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_zip_is_an_error_and_nothing_is_written(sandbox: Any, case: str) -> None:
    data, reason = DAMAGED[case]

    assert reason in sandbox.refuse(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_bomb_is_refused_by_its_ratio(sandbox: Any, method: int) -> None:
    bomb = zipped((entry("zeros"), bytes(48 * MIB)), method=method)

    assert "taken for a bomb" in sandbox.refuse(bomb)


def test_member_that_expands_beyond_its_size_is_refused(sandbox: Any) -> None:
    data = zipped((entry("zeros"), bytes(8 * MIB)))
    for signature, offset in ((CENTRAL, SIZE), (LOCAL, LOCAL_SIZE)):
        data = patched(data, signature, offset, long(10))

    assert "not the size" in sandbox.refuse(data)


def test_total_is_limited(sandbox: Any) -> None:
    data = zipped(*((entry(f"member-{number}"), bytes(MIB)) for number in range(5)))

    assert "limit is" in sandbox.refuse(data, "--max-training-result", "4MB")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_of_every_method_are_extracted(sandbox: Any, method: int) -> None:
    content = bytes(range(256)) * 10_000

    assert sandbox.extract(zipped((entry("a/b"), content), "c", method=method)).files() == {"a/b": content, "c": b"c"}


HONEST = {
    "leading dots": (zipped("./a", (entry("./b/", stat.S_IFDIR | 0o755), b""), "b/c"), {"a", "b/c"}),
    "descriptors": (streamed("a", "b"), {"a", "b"}),
    "descriptors of zip64": (streamed("a", "b", is_64=True), {"a", "b"}),
    "comment": (PLAIN[:-2] + b"\x05\0hello", {"member"}),
    "japanese": (zipped("\u30e2\u30c7\u30eb"), {"\u30e2\u30c7\u30eb"}),
    "old code page": (zipped("caf?").replace(b"caf?", b"caf\x82"), {"caf\u00e9"}),
    "dos": (zipped((entry("a", 0, system=0), b"a"), (entry("d/", 0, system=0), b"")), {"a"}),
    "empty": (zipped(), set()),
    "zip in zip": (zipped((entry("inner.zip"), PLAIN), method=zipfile.ZIP_STORED), {"inner.zip"}),
}


@pytest.mark.parametrize("case", HONEST)
def test_odd_but_honest_zip_is_extracted(sandbox: Any, case: str) -> None:
    data, names = HONEST[case]

    result = sandbox.extract(data)

    assert (result.code, set(result.files())) == (0, names), result.stderr


def test_zip64_is_extracted(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # So that zipfile needs its larger records for a small archive.
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    data = zipped((entry("a"), b"a" * 100), (entry("b"), b"b" * 100), method=zipfile.ZIP_STORED)
    assert b"PK\x06\x06" in data

    assert sandbox.extract(data).files() == {"a": b"a" * 100, "b": b"b" * 100}


def test_links_and_modes_of_unix_are_kept(sandbox: Any) -> None:
    result = sandbox.extract(
        zipped((entry("link", stat.S_IFLNK | 0o777), b"script"), (entry("script", stat.S_IFREG | 0o4755), b"#!"))
    )

    assert (result.dest / "link").readlink().name == "script"
    assert (result.dest / "script").stat().st_mode & 0o7777 == 0o755
