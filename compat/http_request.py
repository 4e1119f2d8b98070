"""HTTP requests: a pair's request as a client sends it."""

from email.message import Message

from attrs import frozen

from compat.pairs import Content, Request

_FORM_TYPE = "multipart/form-data"


@frozen(kw_only=True)
class HttpRequest:
    """One request on the wire.

    Attributes:
        target: path and query.
        headers: in their order; Host and Content-Length are the connection's to add.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


def http_request(request: Request) -> HttpRequest:
    """The HTTP request that the original's proxy would have turned into `request`.

    A header without any value cannot be sent; it is left out.
    """
    headers = tuple((name, value) for name, values in request.headers for value in values)
    if request.method == "GET":
        target = f"/?{request.query}" if request.query else "/"
        return HttpRequest(method="GET", target=target, headers=headers, body=None)
    if not any(name == "content-type" for name, _ in headers):
        headers += (("content-type", request.content_type),)
    return HttpRequest(method=request.method, target="/", headers=headers, body=_body(request))


def _body(request: Request) -> bytes:
    header = Message()
    header["content-type"] = request.content_type
    if header.get_content_type() != _FORM_TYPE:
        [content] = request.contents
        return content.body
    boundary = header.get_boundary()
    assert boundary is not None
    delimiter = b"--" + boundary.encode()
    return b"".join(delimiter + b"\r\n" + _part(content) for content in request.contents) + delimiter + b"--\r\n"


def _part(content: Content) -> bytes:
    disposition = "form-data"
    for label, value in (("name", content.form_name), ("filename", content.file_name)):
        if value is not None:
            disposition += f'; {label}="{value}"'
    head = f"Content-Disposition: {disposition}\r\n"
    if content.content_type is not None:
        head += f"Content-Type: {content.content_type}\r\n"
    return head.encode() + b"\r\n" + content.body + b"\r\n"
