"""What tests ask: a handler, with the verbs of HTTP."""

import json
from typing import Any, Dict, TypeVar

from .answer import Answer
from .call import Call

_Self = TypeVar("_Self", bound="Client")


class Client(object):
    """Asks a handler; how is its subclasses' business.

    Args:
        settings: what `abeja.runtime.testing.settings` found out about the handler.
    """

    def __init__(self, settings: Dict[str, Any]) -> None:
        self._settings = settings
        self._is_closed = False

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the handler; calls are not possible any more."""
        if not self._is_closed:
            self._is_closed = True
            self._release()

    def get(self, path: str = "/", **request: Any) -> Answer:
        """GET; `request` is what `request` takes."""
        return self.request("GET", path, **request)

    def post(self, path: str = "/", **request: Any) -> Answer:
        """POST; `request` is what `request` takes."""
        return self.request("POST", path, **request)

    def put(self, path: str = "/", **request: Any) -> Answer:
        """PUT; `request` is what `request` takes."""
        return self.request("PUT", path, **request)

    def patch(self, path: str = "/", **request: Any) -> Answer:
        """PATCH; `request` is what `request` takes."""
        return self.request("PATCH", path, **request)

    def delete(self, path: str = "/", **request: Any) -> Answer:
        """DELETE; `request` is what `request` takes."""
        return self.request("DELETE", path, **request)

    def request(self, method: str, path: str = "/", **request: Any) -> Answer:
        """The handler's answer to one request.

        Args:
            method: of HTTP.
            path: of the request's target, with or without a query.
            request: `query`, `headers`, one of `json`, `body`, `file` and `form`, `content_type`.
        """
        if self._is_closed:
            raise RuntimeError("the client is closed: ask before close(), or in its `with` block")
        call = Call(method, path, **request)
        methods = self._settings["methods"]
        if call.method not in methods:
            allow = ("Allow", ", ".join(sorted(methods)))
            return error_answer(405, "the method is not allowed", call.request_id, allow)
        answer = self._perform(call)
        if call.method == "HEAD":
            answer.body = b""
        return answer

    def _perform(self, call: Call) -> Answer:
        raise NotImplementedError

    def _release(self) -> None:
        raise NotImplementedError


def error_answer(status: int, message: str, request_id: str, *headers: Any) -> Answer:
    """An answer of the server's own, such as 500 for a handler that raised."""
    fields = {"status": message, "request_id": request_id}
    body = json.dumps(fields, separators=(",", ":")).encode("ascii")
    head = [("Content-Type", "application/json"), *headers, ("X-Request-Id", request_id)]
    return Answer(status, head, body)
