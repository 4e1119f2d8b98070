"""Failures as data: what crosses the socket when user code raises."""

import traceback
from types import TracebackType
from typing import Dict, Optional

# An exception may carry its whole input; what is shown of a text is its beginning and its end.
_TEXT_LIMIT = 64 * 1024

# The modules of this package and of the plugins are loaded under names that start so.
_OURS = "_abeja_worker"


class LoadError(Exception):
    """The worker cannot start serving, for a reason that has a name.

    Args:
        slug: the error's name in docs/reference/errors.md.
        message: what failed.
        hint: what to do about it.
        cause: the exception of the user's code, whose traceback is shown.
    """

    def __init__(self, slug: str, message: str, hint: str = "", cause: Optional[BaseException] = None) -> None:
        super(LoadError, self).__init__(message)
        self.slug = slug
        self.message = message
        self.hint = hint
        self.cause = cause

    def describe(self) -> Dict[str, str]:
        """The fields of a `failed` frame."""
        trace = user_traceback(self.cause) if self.cause is not None else ""
        return {"slug": self.slug, "message": _cut(self.message), "hint": _cut(self.hint), "traceback": trace}


class StorageError(Exception):
    """The answer could not be written to a file, mostly because the disk is full: nobody's fault here."""


def describe(error: BaseException) -> Dict[str, str]:
    """The fields of an `error` frame for an exception raised while a request was served."""
    if isinstance(error, StorageError):
        return {"slug": "spool-failed", "message": str(error), "hint": "", "traceback": ""}
    return {"slug": "handler-failed", "message": summary(error), "hint": "", "traceback": user_traceback(error)}


def summary(error: BaseException) -> str:
    """``TypeName: message`` on one line, also for exceptions whose own `str` raises."""
    try:
        text = str(error)
    except BaseException as second:  # the user's __str__ may do anything
        text = "<str() raised %s>" % type(second).__name__
    return " ".join(_cut("%s: %s" % (type(error).__name__, text)).split())


def user_traceback(error: BaseException) -> str:
    """The traceback from the user's first frame on; without a frame of theirs, the exception alone."""
    trace = error.__traceback__
    while trace is not None and not _is_users(trace):
        trace = trace.tb_next
    try:
        return _cut("".join(traceback.format_exception(type(error), error, trace)))
    except BaseException:  # formatting calls the user's __str__ and __repr__
        return summary(error)


def _cut(text: str) -> str:
    if len(text) <= _TEXT_LIMIT:
        return text
    half = _TEXT_LIMIT // 2
    return "%s\n... (%d characters are left out)\n%s" % (text[:half], len(text) - 2 * half, text[-half:])


def _is_users(trace: TracebackType) -> bool:
    module = str(trace.tb_frame.f_globals.get("__name__", ""))
    return not module.startswith(_OURS) and module.partition(".")[0] != "importlib"
