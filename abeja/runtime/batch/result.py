"""What became of one input."""

from attrs import field, frozen

from abeja.runtime.batch.item import Item
from abeja.runtime.messages import Body

_CLIENT_ERROR = 400


@frozen(kw_only=True)
class Result:
    """What became of one input.

    Attributes:
        item: the input.
        identity: of the input when it was read; see `Item.identity`.
        status: of the answer; None if the input could not be read.
        content_type: of the answer; empty if there is none.
        body: of the answer. Whoever has the result last removes its file.
        error: why it is a failure, on one line; empty if it is none.
        time_s: for which a worker had it.
    """

    item: Item
    identity: str
    status: int | None
    content_type: str = ""
    body: Body = field(default=b"", repr=False)
    error: str = ""
    time_s: float = 0.0

    @property
    def is_failure(self) -> bool:
        """Whether the input could not be read, or was answered with a status of 400 or above."""
        return self.status is None or self.status >= _CLIENT_ERROR

    def remove_file(self) -> None:
        """Delete the spool file of its body."""
        if not isinstance(self.body, bytes):
            self.body.remove()
