"""Downloads one URL into a file, in as many attempts as it takes."""

import http
import http.client
import logging
import re
import ssl
import time
import urllib.error
from email.message import Message
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from abeja.runtime import Fetch, SourceFailedError
from abeja_runtime_sources.http.opener import open_url
from abeja_runtime_sources.http.patience import Patience

_log = logging.getLogger("abeja.runtime")

_READ_BYTES = 256 * 1024
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)", re.ASCII)


def download(url: str, fetch: Fetch, *, patience: Patience = Patience()) -> Path:  # noqa: B008 (frozen)
    """Download `url` into a file in ``fetch.folder``.

    Raises:
        SourceFailedError: it cannot be had, or is too large.
    """
    _check(url)
    path = fetch.folder / "download"
    with path.open("xb") as file:
        try:
            _Download(url, fetch, file, patience).run()
        except OSError as error:
            raise SourceFailedError(f"the download of {_shown(url)} could not be stored: {error.strerror}.") from error
    return path


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.hostname) and parts.port != 0 and url.isascii()
    except ValueError:
        is_complete = False
    if not is_complete or any(letter <= " " for letter in url):
        raise SourceFailedError(
            f"{url!r} is not a complete URL.", hint="in a URL, other than ASCII characters are written as %XX."
        )


class _BrokenError(Exception):
    """An attempt failed in a way that may pass.

    Args:
        reason: what failed.
        retry_after: when the server wants to be asked again.
    """

    def __init__(self, reason: str, *, retry_after: str | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class _Download:
    def __init__(self, url: str, fetch: Fetch, file: BinaryIO, patience: Patience) -> None:
        self._url = url
        self._fetch = fetch
        self._file = file
        self._patience = patience
        # What the first answer said of the file: a later piece must be of the same one.
        self._validator = ""
        self._total_bytes: int | None = None

    def run(self) -> None:
        """Try until it is complete.

        Raises:
            SourceFailedError: it is not, however often it is tried.
        """
        failures = 0
        for _ in range(self._patience.total_attempts):
            before = self._file.tell()
            try:
                self._attempt()
            except _BrokenError as broken:
                failures = 1 if self._file.tell() > before else failures + 1
                reason = str(broken)
                if failures >= self._patience.attempts:
                    break
                delay_s = self._patience.delay_s(failures, broken.retry_after)
                _log.warning("download of %s: %s; next try in %.1f s", _shown(self._url), reason, delay_s)
                time.sleep(delay_s)
            else:
                return
        raise self._failed(f"{reason}, also when tried again", hint="is the server reachable from this machine?")

    def _attempt(self) -> None:
        try:
            with open_url(self._url, headers=self._range(), timeout_s=self._patience.silence_s) as response:
                self._begin(response)
                self._receive(response)
        except urllib.error.HTTPError as error:
            with error:
                self._refused(error)
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise self._failed(
                    f"its certificate is not trusted: {error.reason.verify_message}",
                    hint="the variable SSL_CERT_FILE names the authorities of a company's own.",
                ) from error
            raise _BrokenError(str(error.reason)) from error
        except (ConnectionError, TimeoutError, ssl.SSLError, http.client.HTTPException) as error:
            raise _BrokenError(str(error) or type(error).__name__) from error

    def _range(self) -> dict[str, str]:
        """Ask for the rest, if the server can tell whether it is the rest of the same file."""
        if self._file.tell() and not self._validator:
            self._restart()
        if not self._file.tell():
            return {}
        return {"Range": f"bytes={self._file.tell()}-", "If-Range": self._validator}

    def _begin(self, response: http.client.HTTPResponse) -> None:
        if response.status == http.HTTPStatus.PARTIAL_CONTENT:
            match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if match is None or int(match[1]) != self._file.tell() or match[2] not in ("*", str(self._total_bytes)):
                self._restart()
                raise _BrokenError("the server sent another range than the one asked for")
            return
        self._restart()
        self._validator = _validator(response.headers)
        length = response.headers.get("Content-Length", "")
        self._total_bytes = int(length) if length.isdigit() else None
        self._check_size(self._total_bytes or 0)

    def _receive(self, response: http.client.HTTPResponse) -> None:
        while data := response.read1(_READ_BYTES):
            self._check_size(self._file.tell() + len(data))
            self._file.write(data)
            self._fetch.progress(self._file.tell(), self._total_bytes)
        size = self._file.tell()
        if self._total_bytes is not None and size != self._total_bytes:
            if size > self._total_bytes:
                self._restart()
            raise _BrokenError(f"the server sent {size} of {self._total_bytes} bytes")

    def _refused(self, error: urllib.error.HTTPError) -> None:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and self._file.tell():
            self._restart()
            raise _BrokenError("the server has another file now")
        if error.code in _RETRIED or error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _BrokenError(
                f"the server answered {error.code} {error.reason}", retry_after=error.headers.get("Retry-After")
            )
        raise self._failed(
            f"the server answered {error.code} {error.reason}",
            hint="has the address expired, or does it need a password?",
        )

    def _check_size(self, size_bytes: int) -> None:
        limit = self._fetch.limit_bytes
        if size_bytes > limit:
            raise self._failed(
                f"it has {size_bytes} bytes or more; the limit is {limit}", hint="--max-training-result raises it."
            )

    def _restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._validator = ""
        self._total_bytes = None

    def _failed(self, reason: str, *, hint: str) -> SourceFailedError:
        return SourceFailedError(f"{_shown(self._url)} cannot be downloaded: {reason}.", hint=hint)


def _validator(headers: Message) -> str:
    """What tells one version of a file from another for ``If-Range`` (RFC 9110, 13.1.5): a strong tag, or a date."""
    tag: str = headers.get("ETag", "")
    modified: str = headers.get("Last-Modified", "")
    return tag if tag.startswith('"') else modified


def _shown(url: str) -> str:
    """Without user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
