"""What a worker says in its frames, as values."""

from pathlib import Path
from typing import Any

from abeja.runtime.engine import AnswerHead, HandlerFailure
from abeja.runtime.errors import HandlerLoadError


def load_error(error: dict[str, Any]) -> HandlerLoadError:
    """Why the handler does not load, from a `failed` frame."""
    message, hint, slug, traceback = (str(error[name]) for name in ("message", "hint", "slug", "traceback"))
    return HandlerLoadError(message, hint=hint, slug=slug, traceback=traceback)


def failure(error: dict[str, Any]) -> HandlerFailure:
    """What the handler raised, from an `error` frame."""
    message, traceback, slug = (str(error[name]) for name in ("message", "traceback", "slug"))
    return HandlerFailure(message=message, traceback=traceback, slug=slug)


def answer_head(header: dict[str, Any]) -> AnswerHead:
    """The head of an answer, from a `response` frame; a KeyError or TypeError if it is none."""
    is_file = header["body"] == "file"
    return AnswerHead(
        status=header["status"],
        content_type=header["content_type"],
        headers=header["headers"],
        is_streamed=header["body"] == "stream",
        file=Path(header["path"]) if is_file else None,
        file_size_bytes=header["size"] if is_file else 0,
    )
