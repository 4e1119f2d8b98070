"""How much an archive may bring."""

from attrs import define, field, frozen

from abeja.runtime.errors import ArchiveRefusedError
from abeja.runtime.prepare.member_path import refusal
from abeja.runtime.types import Member

_MIB = 1024**2


@frozen(kw_only=True)
class Limits:
    """The limits for one archive.

    Attributes:
        total_bytes: of all files together, once they are expanded.
        members: files, links and folders; more of them fill the inodes of a disk.
        ratio: expanded bytes for one byte of archive. Weights hardly shrink, text does 10 to 1, and
            only what is made of zeros reaches the 1000 to 1 that deflate can do.
        ratio_from_bytes: below this size a ratio does no harm.
    """

    total_bytes: int
    members: int = 200_000
    ratio: int = 250
    ratio_from_bytes: int = 32 * _MIB


@define
class Meter:
    """Counts one archive against its limits, by what members claim, before they are written.

    Attributes:
        archive_bytes: size of the archive; None for a folder, which cannot be compressed.
        expanded_bytes: what has been admitted.
    """

    limits: Limits
    archive_bytes: int | None
    expanded_bytes: int = field(default=0, init=False)

    def admit_file(self, member: Member) -> None:
        """Count a file.

        Raises:
            ArchiveRefusedError: it is too large, or its size makes no sense.
        """
        limits = self.limits
        if member.size_bytes < 0:
            raise refusal(member.name, f"claims a size of {member.size_bytes} bytes")
        self.expanded_bytes += member.size_bytes
        if self.expanded_bytes > limits.total_bytes:
            raise _too_large(
                f"the members up to {member.name!r} have {self.expanded_bytes} bytes; the limit is {limits.total_bytes}"
            )
        if self.archive_bytes is None or self.expanded_bytes <= limits.ratio_from_bytes:
            return
        if self.expanded_bytes > limits.ratio * self.archive_bytes:
            raise ArchiveRefusedError(
                f"the members up to {member.name!r} have {self.expanded_bytes} bytes in an archive of "
                f"{self.archive_bytes}; more than {limits.ratio} to 1 is taken for a bomb",
                hint="if you trust it, extract it with another program and give the folder instead.",
            )

    def admit_count(self, count: int) -> None:
        """Check how many files, links and folders there are.

        Raises:
            ArchiveRefusedError: too many.
        """
        if count > self.limits.members:
            raise ArchiveRefusedError(f"it has more than {self.limits.members} members")


def _too_large(message: str) -> ArchiveRefusedError:
    return ArchiveRefusedError(message, hint="--max-training-result raises the limit.")
