"""Extended headers: records ``<length> <key>=<value>`` that end in a newline, and GNU's sparse files in them.

Source: POSIX.1-2017, pax, "pax Extended Header"; GNU tar manual, "Storing Sparse Files".
"""

from collections.abc import Sequence

from abeja.runtime import ArchiveUnreadableError

# Nineteen digits are more than any file has.
_DIGITS_LIMIT = 19

Records = list[tuple[str, bytes]]


def parse(data: bytes) -> Records:
    """The records, in their order; keys of sparse maps are repeated.

    Raises:
        ArchiveUnreadableError: they do not agree with their lengths.
    """
    records, rest = [], data.rstrip(b"\0")
    while rest:
        digits, _, _ = rest.partition(b" ")
        length = decimal(digits)
        record, rest = rest[:length], rest[length:]
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if len(record) != length or not record.endswith(b"\n") or not equals or not key:
            raise ArchiveUnreadableError("an extended header is damaged")
        records.append((key.decode("utf-8", "replace"), value))
    return records


def decimal(digits: bytes) -> int:
    """A number from 0.

    Raises:
        ArchiveUnreadableError: it is none.
    """
    if not digits.isdigit() or len(digits) > _DIGITS_LIMIT:
        raise ArchiveUnreadableError(f"an extended header has {digits[:40]!r} for a number")
    return int(digits)


def sparse_map(records: Records) -> list[tuple[int, int]] | None:
    """The map of a sparse file in the formats 0.0 and 0.1: offsets and lengths; None if there is none."""
    numbers = [decimal(value) for key, value in records if key in ("GNU.sparse.offset", "GNU.sparse.numbytes")]
    for key, value in records:
        if key == "GNU.sparse.map":
            numbers = [decimal(item) for item in value.split(b",")] if value else []
    is_sparse = any(key in ("GNU.sparse.map", "GNU.sparse.size", "GNU.sparse.numblocks") for key, _ in records)
    return pairs(numbers) if is_sparse else None


def pairs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Offsets and lengths out of the numbers of a sparse map.

    Raises:
        ArchiveUnreadableError: an offset has no length.
    """
    if len(numbers) % 2:
        raise ArchiveUnreadableError("the map of a sparse file is damaged")
    return list(zip(numbers[::2], numbers[1::2], strict=True))
