"""What a handler answered."""

import collections.abc
import json
from typing import Any, Dict, Iterator, List, Tuple


class Answer(object):
    """One answer, as an HTTP client would get it.

    Attributes:
        status: the HTTP status.
        headers: looked up without regard to case; a missing one is a KeyError.
        body: the bytes.
    """

    def __init__(self, status: int, headers: List[Tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = Headers(headers)
        self.body = body

    def __repr__(self) -> str:
        return "<Answer %d %s: %.200r>" % (self.status, self.content_type, self.body)

    @property
    def content_type(self) -> str:
        """The Content-Type header, parameters included."""
        return self.headers["Content-Type"]

    @property
    def text(self) -> str:
        """The body as text, in the charset of its content type, which is UTF-8 unless it says otherwise."""
        charset = "utf-8"
        for parameter in self.content_type.split(";")[1:]:
            name, _, value = parameter.strip().partition("=")
            if name.lower() == "charset":
                charset = value.strip('"')
        return self.body.decode(charset)

    def json(self) -> Any:
        """The body, parsed.

        Raises:
            ValueError: it is not JSON.
        """
        try:
            return json.loads(self.body.decode("utf-8"))
        except ValueError as error:
            raise ValueError("the body of %r is not JSON: %s" % (self, error)) from None


class Headers(collections.abc.Mapping):  # type: ignore[type-arg] # not subscriptable at run time on 3.6
    """The headers of an answer, by name in any case; `all` has each as it was sent."""

    def __init__(self, pairs: List[Tuple[str, str]]) -> None:
        self.all = list(pairs)
        self._values: Dict[str, str] = {}
        for name, value in pairs:
            before = self._values.get(name.lower())
            self._values[name.lower()] = value if before is None else before + ", " + value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self.all)
