"""Metrics of the handler's own, sent to the server: see docs/reference/metrics.md."""

import os
import socket
from typing import Any, Optional

_VARIABLE = "ABEJA_RUNTIME_METRICS_SOCKET"
# The server reads at once, and a handler does not wait for it for long.
_TIMEOUT_S = 0.1


class Metrics(object):
    """What a handler counts and measures. Nothing here raises, and any thread may use it."""

    def __init__(self) -> None:
        self._socket: Optional[socket.socket] = None

    def count(self, name: str, value: float = 1, **labels: Any) -> None:
        """A counter grows by `value`."""
        self._send(name, value, "c", labels)

    def gauge(self, name: str, value: float, **labels: Any) -> None:
        """A gauge has `value` from now on, whichever worker says so."""
        self._send(name, value, "g", labels)

    def observe(self, name: str, value: float, **labels: Any) -> None:
        """A histogram has one value more."""
        self._send(name, value, "h", labels)

    def _send(self, name: str, value: float, kind: str, labels: Any) -> None:
        path = os.environ.get(_VARIABLE)
        if not path:
            return  # nobody serves: a run, a test
        try:
            number = float(value)
            tags = ",".join("%s:%s" % (label, _plain(labels[label])) for label in sorted(labels))
            line = "%s:%r|%s%s" % (name, number, kind, "|#" + tags if tags else "")
            if kind == "g" and number < 0:
                # A sign makes a gauge change by the value, so it begins at zero.
                line = "%s\n%s" % (line.replace(":%r|" % number, ":0|", 1), line)
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.settimeout(_TIMEOUT_S)
            self._socket.sendto(line.encode("utf-8", "replace"), path)
        except (OSError, ValueError, TypeError):
            return  # a metric is not worth a request


def _plain(value: Any) -> str:
    """Without the signs that have a meaning in a line."""
    return "".join("_" if sign in ",|\n\r" else sign for sign in str(value))
