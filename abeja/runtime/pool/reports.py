"""What a worker says in its frames, as values."""

from functools import lru_cache
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
    status, content_type, headers = header["status"], header["content_type"], header["headers"]
    if headers == [] and header["body"] == "inline" and type(status) is int and type(content_type) is str:
        return _plain(status, content_type)
    is_file = header["body"] == "file"
    return AnswerHead(
        status=status,
        content_type=content_type,
        headers=headers,
        is_streamed=header["body"] == "stream",
        file=Path(header["path"]) if is_file else None,
        file_size_bytes=header["size"] if is_file else 0,
    )


@lru_cache(maxsize=64)
def _plain(status: int, content_type: str) -> AnswerHead:
    """That of most answers: handlers give the same again and again."""
    return AnswerHead(status=status, content_type=content_type, headers=[])
