"""Which request a thread or a coroutine belongs to, when a worker has several."""

from typing import Any

try:
    # A coroutine has the context of the request that it runs for, and so have the tasks that it starts.
    from contextvars import ContextVar
except ImportError:  # Python 3.6, where only the request's own thread is known
    from threading import local

    class ContextVar(local):  # type: ignore[no-redef] # the part of it that is used here
        """A value for each thread."""

        def __init__(self, name: str, *, default: str) -> None:
            self.name = name
            self._value = default

        def get(self) -> str:
            """The thread's value."""
            return self._value

        def set(self, value: str) -> None:
            """Change it for this thread."""
            self._value = value


class RequestOfContext(object):
    """Whose output is printed: see `labelled_output.install`."""

    def __init__(self) -> None:
        self._request_id: Any = ContextVar("abeja_request_id", default="")

    def get(self) -> str:
        """The request; empty if there is none."""
        return str(self._request_id.get())

    def set(self, request_id: str) -> None:
        """What this thread prints from here on is of the request, and of none if it is empty."""
        self._request_id.set(request_id)
