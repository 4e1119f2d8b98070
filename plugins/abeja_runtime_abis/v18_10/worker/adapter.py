"""Calls 18.10 handlers: one request, one call."""

import collections.abc
import contextlib
from typing import Any, Callable, Dict, Iterator

from . import answer, body, datatypes, user_function
from .context import Context
from .elements import Elements
from .exceptions import InvalidInput
from .media_type import SUPPORTED, UnsupportedMediaTypeError

# Iterable, but never a series of results.
_SINGLE_VALUES = (collections.abc.Mapping, str, bytes, bytearray, memoryview)


class Adapter(object):
    """Calls an 18.10 handler.

    Args:
        function: the user's callable.
        services: the worker's services for ABIs.

    Raises:
        ValueError: `function` cannot be a handler of this ABI.
    """

    def __init__(self, function: Callable[..., Any], services: Any) -> None:
        user_function.check(function)
        # Handlers of that time use the name without importing it.
        user_function.lend(function, services.handler.partition(":")[0], Response=datatypes.Response)
        self._function = function
        self._services = services
        # One object for all requests, as handlers may keep things in it.
        self._context = Context()

    def call(self, message: Any) -> Dict[str, Any]:
        """Run the handler on one message, up to the first bytes of its answer.

        Raises:
            TypeError: the handler returned something that is no series of results.
            BaseException: whatever the handler raised, other than `InvalidInput`.
        """
        try:
            return self._reply(message)
        except UnsupportedMediaTypeError as error:
            refused = {"status": 415, "reason": str(error), "fields": {"supported": list(SUPPORTED)}}
            return self._refusal(message, headers=[("Accept", ", ".join(SUPPORTED))], **refused)
        except InvalidInput as error:
            return self._refusal(message, status=400, reason=str(error) or "invalid input")

    def _reply(self, message: Any) -> Dict[str, Any]:
        with contextlib.ExitStack() as opened:
            values = opened.enter_context(contextlib.closing(body.values(message)))
            results = self._results(Elements(values))
            opened.callback(getattr(results, "close", _nothing))
            return answer.reply(results, self._services, opened)

    def _results(self, elements: Elements) -> Iterator[Any]:
        returned = self._services.settle(self._function(elements, self._context))
        if isinstance(returned, collections.abc.AsyncIterable):
            results: Iterator[Any] = self._services.iterate(returned)
            return results
        if isinstance(returned, collections.abc.Iterable) and not isinstance(returned, _SINGLE_VALUES):
            return iter(returned)
        raise TypeError(_wrong_type(returned))

    def _refusal(self, message: Any, **fields: Any) -> Dict[str, Any]:
        reply: Dict[str, Any] = self._services.refusal(message, **fields)
        return reply


def _nothing() -> None:
    """Iterators other than generators hold nothing."""


def _wrong_type(returned: Any) -> str:
    found = "the handler returned a %s; a handler of ABI 18.10 yields its results" % type(returned).__name__
    if isinstance(returned, dict):
        return found + " (handlers that return a dict are of image version 19.04: `--image-version 19.04`)"
    return found + ", or returns a list of them"
