"""The header blocks of tar.

::

    0    100  108  116  124   136    148    156   157      257    263      345     500
    name mode uid  gid  size  mtime  chksum type  linkname magic+version.. prefix  (ustar)
                                                           386: sparse map (GNU)

Source: POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format".
"""

import re

from attrs import frozen

from abeja.runtime import ArchiveUnreadableError

BLOCK_BYTES = 512

_OCTAL = re.compile(rb"[ \0]*([0-7]*)[ \0]*", re.DOTALL)
_CHECKSUM = slice(148, 156)


@frozen(kw_only=True)
class Header:
    """One header block.

    Attributes:
        block: all of it.
        name: with the prefix of ustar.
        kind: the type flag.
        size_bytes: of what follows it in the archive.
        link: the name that a link names.
    """

    block: bytes
    name: str
    kind: bytes
    size_bytes: int
    mode: int
    link: str

    @classmethod
    def parse(cls, block: bytes) -> "Header":
        """Read a block.

        Raises:
            ArchiveUnreadableError: it is damaged.
        """
        if not has_checksum(block):
            raise ArchiveUnreadableError("a header block has a wrong checksum")
        name = text(block[0:100])
        if block[257:263] == b"ustar\0" and (prefix := text(block[345:500])):
            name = f"{prefix}/{name}"
        return cls(
            block=block,
            name=name,
            kind=block[156:157],
            size_bytes=number(block[124:136]),
            mode=number(block[100:108]) & 0o7777,
            link=text(block[157:257]),
        )


def has_checksum(block: bytes) -> bool:
    """Whether the checksum in a block is its own; old programs summed signed bytes."""
    match = _OCTAL.fullmatch(block[_CHECKSUM])
    if match is None or not match[1]:
        return False
    rest = block[:148] + b" " * 8 + block[156:]
    unsigned = sum(rest)
    return int(match[1], 8) in (unsigned, unsigned - 256 * sum(byte > 127 for byte in rest))


def number(field: bytes) -> int:
    """A number of a header: octal text, or binary where GNU needs more digits.

    Raises:
        ArchiveUnreadableError: it is none, or is negative.
    """
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise ArchiveUnreadableError(f"a header has {field!r} for a number")
    return int(match[1] or b"0", 8)


def text(field: bytes) -> str:
    """A text that ends at NUL; what is not UTF-8 becomes surrogates."""
    return decoded(field.partition(b"\0")[0])


def decoded(data: bytes) -> str:
    """Text of an archive; what is not UTF-8 becomes surrogates."""
    return data.decode("utf-8", "surrogateescape")
