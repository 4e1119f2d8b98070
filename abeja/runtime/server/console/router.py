"""Where requests to the console go: what answers them is imported when the first one comes."""

from functools import cached_property
from typing import Any

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.routing import Router
from tornado.web import Application

from abeja.runtime.server.console.console import Console

# In the terms of tornado's routes.
PATHS = "/console(?:/.*)?"


class ConsoleRouter(Router):
    """Routes to the application of a console.

    Args:
        console: see there.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def find_handler(self, request: HTTPServerRequest, **_: Any) -> HTTPMessageDelegate | None:
        """Called by tornado."""
        return self._application.find_handler(request)

    @cached_property
    def _application(self) -> Application:
        # Most servers are never looked at, and start faster without it.
        from abeja.runtime.server.console.routes import application  # noqa: PLC0415

        return application(self._console)
