"""One GET: redirects without other hosts learning passwords, proxies of the environment, time-outs."""

import base64
import http.client
import urllib.request
from email.message import Message
from typing import IO
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from abeja.runtime import SourceFailedError

_USER_AGENT = "abeja-runtime"
_PORTS = {"http": 80, "https": 443}


def open_url(url: str, *, headers: dict[str, str], timeout_s: float) -> http.client.HTTPResponse:
    """The answer to a GET, after redirects.

    Args:
        url: may have a user and a password.
        headers: for this host and those that it redirects to.
        timeout_s: for connecting and for each wait.

    Raises:
        urllib.error.HTTPError: the status is not 2xx.
        OSError, http.client.HTTPException: the network failed.
        SourceFailedError: a redirect leads where it must not.
    """
    parts = urlsplit(url)
    authorization = _authorization(parts)
    request = urllib.request.Request(  # noqa: S310 (http and https only: `takes` and `_Redirects` see to it)
        urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")),
        # Bytes as they are: what is downloaded is compressed, and is checked as it is.
        headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity", **headers},
    )
    if authorization:
        request.add_unredirected_header("Authorization", authorization)
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(parts, authorization),
    ):
        opener.add_handler(handler)
    response: http.client.HTTPResponse = opener.open(request, timeout=timeout_s)
    return response


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = 10

    def __init__(self, first: SplitResult, authorization: str) -> None:
        self._first = first
        self._authorization = authorization

    def redirect_request(  # noqa: PLR0917 (urllib's signature)
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        """The next request, with the password only if scheme, host and port are the first ones."""
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.scheme not in _PORTS or (old.scheme == "https" and new.scheme == "http"):
            raise SourceFailedError(
                f"{old.scheme}://{old.hostname} redirects to {new.scheme}://{new.hostname}, which is not followed.",
                hint="give the address that it leads to, if you trust it.",
            )
        request = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type] # as its caller calls it
        if request is not None and self._authorization and _origin(new) == _origin(self._first):
            request.add_unredirected_header("Authorization", self._authorization)
        return request


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _authorization(parts: SplitResult) -> str:
    if parts.username is None:
        return ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
