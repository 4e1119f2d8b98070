"""The first argument of an 18.10 handler."""

import collections.abc
from typing import Any, Iterator, NoReturn


class Elements(collections.abc.Iterator):  # type: ignore[type-arg] # not subscriptable at run time on 3.6
    """An iterator over the input. What 19.04 handlers do with a request says that it is none.

    Args:
        values: the elements.
    """

    def __init__(self, values: Iterator[Any]) -> None:
        self._values = values

    def __next__(self) -> Any:
        return next(self._values)

    def __contains__(self, value: object) -> bool:
        # Looking for it would use up the input, and arrays have no single truth to compare by.
        return False

    def __getitem__(self, key: object) -> NoReturn:
        raise TypeError(_not_a_request("[%r]" % (key,)))

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(_not_a_request(".%s" % name))


def _not_a_request(use: str) -> str:
    return (
        "the input of an 18.10 handler is an iterator and has no %s; "
        "requests that have are of image version 19.04: `--image-version 19.04`" % use
    )
