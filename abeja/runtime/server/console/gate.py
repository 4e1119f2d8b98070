"""Who may use the console: the page itself, and no other page that a browser has open."""

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from attrs import frozen

# A page of another origin cannot set it without asking first, and nobody answers that question.
HEADER = "X-Abeja-Console"


@frozen
class Gate:
    """Tells the console's own requests from those that another site makes a browser send.

    A site can have its own name resolve to this machine (DNS rebinding); what it then asks has that name in ``Host``.
    So only hosts that no site can have are taken: addresses, ``localhost``, and the names that are known to be ours.

    Attributes:
        names: lower-case host names beside addresses and ``localhost``.
    """

    names: frozenset[str]

    @classmethod
    def of(cls, *names: str) -> "Gate":
        """For a machine that is called `names`, beside what it calls itself."""
        return cls(frozenset(name.lower() for name in (*names, socket.gethostname()) if name))

    def refusal_of_host(self, headers: Mapping[str, str]) -> str:
        """Why a request is not for this server, by its ``Host``; empty if it may be."""
        host = _host_name(headers.get("Host", ""))
        if host == "localhost" or host.endswith(".localhost") or host in self.names or _is_address(host):
            return ""
        return f"the console does not know the host {host!r}: --console-host adds names"

    def refusal(self, headers: Mapping[str, str]) -> str:
        """Why a request is not of the console's own page; empty if it is."""
        host = self.refusal_of_host(headers)
        if host:
            return host
        origin = headers.get("Origin")
        # Whether browser and server speak TLS, a proxy may see differently.
        if origin is not None and origin.lower().partition("://")[2] != headers.get("Host", "").lower():
            return "the request comes from a page of another origin"
        if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return "the request comes from another site"
        if HEADER not in headers:
            return f"the header {HEADER} is missing"
        return ""


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
