"""What a review says."""

import enum
from collections.abc import Iterable

import attrs
from attrs import frozen


class Level(enum.StrEnum):
    """How bad a finding is."""

    # It will not load, or not answer.
    ERROR = "error"
    # It may be wrong.
    WARNING = "warning"
    # What cannot be told by reading.
    NOTE = "note"


@frozen(kw_only=True)
class Remark:
    """What a line of the handler shows of its ABI.

    Attributes:
        line: its number, from 1.
        text: completes "the handler ...", such as ``yields its results``.
    """

    line: int
    text: str


@frozen(kw_only=True)
class Finding:
    """Something that is wrong with a model's code, or may be.

    Attributes:
        slug: a name in kebab-case, such as ``request-key-unknown``.
        message: what is wrong, without a full stop.
        hint: what to do about it; may be empty.
        level: how bad it is.
        path: of the file, relative to the model's folder; empty for the file of the handler.
        line: its number, from 1; 0 for the whole file.
    """

    slug: str
    message: str
    hint: str = ""
    level: Level = Level.ERROR
    path: str = ""
    line: int = 0


def _remarks(values: Iterable[Remark]) -> tuple[Remark, ...]:
    return tuple(values)


def _findings(values: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(values)


@frozen(kw_only=True)
class Review:
    """What an ABI says of a handler's code.

    Attributes:
        signs: what handlers of this ABI do, and those of others do not.
        obstacles: what no handler of this ABI does; with one, the code is for another. The most telling
            of signs and of obstacles come first.
        findings: mistakes of a handler of this ABI. Not shown if there are obstacles.
    """

    signs: tuple[Remark, ...] = attrs.field(default=(), converter=_remarks)
    obstacles: tuple[Remark, ...] = attrs.field(default=(), converter=_remarks)
    findings: tuple[Finding, ...] = attrs.field(default=(), converter=_findings)
