"""Pairs: a handler and the requests that it is called with."""

from collections.abc import Mapping

from attrs import Factory, field, frozen

JSON_TYPE = "application/json"


@frozen(kw_only=True)
class Content:
    """One body of a request: all of a plain one, or one part of a multipart one."""

    body: bytes
    content_type: str | None = None
    file_name: str | None = None
    form_name: str | None = None


def _content_type_alone(request: "Request") -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (("content-type", (request.content_type,)),)


@frozen(kw_only=True)
class Request:
    """A request as the original's proxy handed it to its worker.

    Attributes:
        headers: (lower-case name, values) pairs, sorted by name; by default the content type alone.
        contents: the body of a GET is its query.
    """

    method: str = "POST"
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, tuple[str, ...]], ...] = Factory(_content_type_alone, takes_self=True)
    contents: tuple[Content, ...] = (Content(body=b'{"a": 1}'),)

    @property
    def query(self) -> str:
        """The query of a GET, as it stands in the request target."""
        return self.contents[0].body.decode("latin-1") if self.method == "GET" and self.contents else ""


@frozen(kw_only=True)
class Pair:
    """A handler and the requests that one process of it gets, in their order.

    Attributes:
        name: what it is about; unique.
        handler: the source of main.py.
        requests: usually one.
        entry: ``<module>:<function>``.
        files: other files of the handler's folder.
        environment: variables that the worker gets besides those of the tests.
    """

    name: str
    handler: str = field(repr=False)
    requests: tuple[Request, ...] = (Request(),)
    entry: str = "main:handler"
    files: Mapping[str, bytes] = field(factory=dict, repr=False)
    environment: Mapping[str, str] = field(factory=dict)

    @property
    def needs_numpy(self) -> bool:
        """Whether its handler imports numpy."""
        return "import numpy" in self.handler

    def __str__(self) -> str:
        return self.name
