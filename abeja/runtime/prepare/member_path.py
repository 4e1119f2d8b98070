"""From the name of a member to the folders and the file that it means, or a refusal."""

import re
import unicodedata

from abeja.runtime.errors import ArchiveRefusedError

# What file systems take; the length of a path leaves room for the folder that it is put into.
NAME_LIMIT_BYTES = 255
PATH_LIMIT = 1024
# Deeper trees exist only to break programs that walk them.
DEPTH_LIMIT = 64

_DRIVE = re.compile(r"[A-Za-z]:")
# What bytes that are not UTF-8 were decoded to.
_SURROGATE = re.compile("[\ud800-\udfff]")


def parts_of(name: str) -> tuple[str, ...]:
    """The names of the folders and the file, outermost first; empty for the root.

    Empty components and ``.`` mean nothing, as for every file system.

    Raises:
        ArchiveRefusedError: the name is absolute, leads upwards, or is nothing that every file
            system would read alike.
    """
    reason = _objection(name)
    if reason:
        raise refusal(name, reason)
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise refusal(name, "has '..' in its name, which leads out of a folder")
    if len(parts) > DEPTH_LIMIT:
        raise refusal(name, f"is {len(parts)} folders deep; the limit is {DEPTH_LIMIT}")
    for part in parts:
        if len(part.encode()) > NAME_LIMIT_BYTES:
            raise refusal(name, f"has a name of {len(part.encode())} bytes; the limit is {NAME_LIMIT_BYTES}")
    return parts


def key_of(part: str) -> str:
    """What two names have in common that some file system takes for one: case and Unicode form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", part).casefold())


def refusal(name: str, reason: str) -> ArchiveRefusedError:
    """The error for one member."""
    shown = name if len(name) <= NAME_LIMIT_BYTES else f"{name[:NAME_LIMIT_BYTES]}..."
    return ArchiveRefusedError(f"the member {shown!r} {reason}")


def _objection(name: str) -> str:
    for is_so, reason in (
        (not name, "has an empty name"),
        ("\0" in name, "has a NUL character in its name"),
        (name.startswith("/"), "has an absolute name"),
        ("\\" in name, "has a backslash in its name, which separates folders on some systems"),
        (_DRIVE.match(name), "has a name that begins with the letter of a drive"),
        (_SURROGATE.search(name), "has a name that is not UTF-8"),
        (len(name) > PATH_LIMIT, f"has a path of {len(name)} characters; the limit is {PATH_LIMIT}"),
    ):
        if is_so:
            return reason
    return ""
