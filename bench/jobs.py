"""What the servers are asked to do: the same few jobs, each with one request and a check of the answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
ECHO_BYTES = 1024 * 1024

_ARTICLES = (EXAMPLES / "tax" / "request.json").read_bytes()
_SMALL = b"x" * 1000
_ECHO = bytes(range(256)) * (ECHO_BYTES // 256)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One thing that a server does.

    Attributes:
        name: as in peer.toml and in handlers/main.py.
        summary: what the server does with the request.
        content_type: of the request.
        body: of the request.
        is_answer: whether the body of an answer is right.
    """

    name: str
    summary: str
    body: bytes
    is_answer: Callable[[bytes], bool]
    content_type: str = "application/json"

    def wrapped(self, key: str | None) -> bytes:
        """The body for a server that wants JSON within an object, under `key`."""
        if key is None or self.content_type != "application/json":
            return self.body
        return json.dumps({key: json.loads(self.body)}).encode()


JOBS = {
    job.name: job
    for job in (
        Job(
            name="total",
            summary="parses a list of articles and answers the total as JSON",
            body=_ARTICLES,
            is_answer=lambda body: b"108.0" in body,
        ),
        Job(
            name="echo",
            summary="answers the body of 1 MiB as it is",
            body=_ECHO,
            content_type="application/octet-stream",
            is_answer=lambda body: body == _ECHO,
        ),
        Job(
            name="length",
            summary="reads the body and answers its length as JSON",
            body=_SMALL,
            content_type="application/octet-stream",
            is_answer=lambda body: str(len(_SMALL)).encode() in body,
        ),
        Job(
            name="slow",
            summary="sleeps for 200 ms as a model would compute: it blocks",
            body=_ARTICLES,
            is_answer=lambda body: b"108.0" in body,
        ),
        Job(
            name="burn",
            summary="computes for about 2 ms, a fixed amount of work in Python",
            body=_ARTICLES,
            is_answer=lambda body: b"108.0" in body,
        ),
        Job(
            name="stream",
            summary="answers five pieces, 50 ms apart",
            body=_ARTICLES,
            is_answer=lambda body: body.count(b"piece") == 5,
        ),
        Job(
            name="flip",
            summary="mirrors a JPEG with OpenCV and Pillow",
            body=(EXAMPLES / "flip" / "cat.jpg").read_bytes(),
            content_type="image/jpeg",
            is_answer=lambda body: body.startswith(b"\xff\xd8"),
        ),
    )
}
