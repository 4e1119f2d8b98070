"""Why inputs fail, on one line each."""

import itertools
import json
import logging
import re
from typing import Self

from abeja.runtime import answers, logs
from abeja.runtime.messages import Response

_CLIENT_ERROR = 400
# Where services put what is wrong, in a JSON object.
_MESSAGE_FIELDS = ("status", "message", "error", "detail")
_SHOWN_CHARACTERS = 300
_TRACEBACK = re.compile(r"Traceback \(most recent call last\):$")


class Reasons(logging.Handler):
    """What the log says of requests that fail, which is more than their answers say.

    Use as a context: it listens to the log meanwhile.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._said: dict[str, str] = {}

    def __enter__(self) -> Self:
        logging.getLogger(logs.NAME).addHandler(self)
        return self

    def __exit__(self, *exc: object) -> None:
        logging.getLogger(logs.NAME).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it if it is about a request, and not by its handler."""
        request_id = getattr(record, "request_id", "")
        if request_id and getattr(record, "worker", None) is None:
            self._said[request_id] = logs.current().hide(record.getMessage())

    def of(self, request_id: str, response: Response) -> str:
        """Why the request has failed; empty if it has not. To be asked once for each request.

        Args:
            request_id: of the request.
            response: the answer to it.
        """
        said = self._said.pop(request_id, "")
        if response.status < _CLIENT_ERROR:
            return ""
        message = _message(response) or f"it was answered {response.status}"
        if not is_own(response):
            return _on_one_line(message)
        return _on_one_line(": ".join(filter(None, (message, _cause(said)))))


def is_own(response: Response) -> bool:
    """Whether an answer is one of our own, rather than the handler's."""
    return all(name != answers.VERSION_HEADER for name, _ in response.headers)


def _cause(said: str) -> str:
    first, *rest = said.rstrip().split("\n")
    if not rest:
        return first.partition(": ")[2]  # in front of it stands the error's name
    # A traceback ends with the exception, whose message may have several lines.
    begins = [at for at, line in enumerate(rest) if _TRACEBACK.match(line)]
    last = rest[begins[-1] + 1 :] if begins else rest[-1:]
    message = list(itertools.dropwhile(lambda line: line.startswith(" "), last))
    return "\n".join(message) or rest[-1]


def _message(response: Response) -> str:
    body = response.body or b""
    if not isinstance(body, bytes):
        return ""  # it can be read once, and is a result
    text = body.decode("utf-8", "replace")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(fields, dict):
        texts = [fields[name] for name in _MESSAGE_FIELDS if isinstance(fields.get(name), str)]
        return texts[0] if texts else text
    return text


def _on_one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."
