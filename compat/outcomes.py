"""Outcomes: what came of one request."""

from collections.abc import Mapping

from attrs import frozen

# Each runtime puts its own version under this name; it is no part of what the handler answered.
RUNTIME_VERSION_NAME = "x-abeja-sys-meta-runtime-version"


@frozen(kw_only=True)
class Answer:
    """What a worker handed to its server.

    Attributes:
        status: an int, except where the original passed on a float or a bool.
        metadata: the handler's response headers, values as HTTP can carry them.
    """

    status: float
    content_type: str
    metadata: Mapping[str, str]
    body: bytes


@frozen
class Failure:
    """A request that a worker refused.

    Attributes:
        reason: its words.
    """

    reason: str


Outcome = Answer | Failure


def http_metadata(metadata: Mapping[str, object]) -> dict[str, str]:
    """Metadata as HTTP can carry it: None is an empty value, anything else its text."""
    return {
        name: "" if value is None else str(value)
        for name, value in metadata.items()
        if name.lower() != RUNTIME_VERSION_NAME
    }
