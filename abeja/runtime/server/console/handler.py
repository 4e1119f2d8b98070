"""What every answer of the console has in common: who may have it, and the headers that keep it to itself."""

from typing import Any

from tornado.web import HTTPError, RequestHandler

from abeja.runtime import answers
from abeja.runtime.server.console.console import Console
from abeja.runtime.server.console.gate import Gate

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class ConsoleHandler(RequestHandler):
    """Answers the console's own page, and nobody else.

    Attributes:
        console: what there is to tell.
        gate: who may be told.
    """

    SUPPORTED_METHODS: tuple[str, ...] = ("GET", "HEAD")

    def initialize(self, console: Console, gate: Gate) -> None:
        """Called by tornado."""
        self.console = console
        self.gate = gate

    def set_default_headers(self) -> None:
        """Called by tornado, for errors too."""
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    @property
    def is_answered(self) -> bool:
        """Whether the answer has been given already."""
        return self._finished

    def refusal(self) -> str:
        """Why the request is not answered; empty if it is."""
        return self.gate.refusal(self.request.headers)

    async def prepare(self) -> None:
        """Called by tornado before anything else."""
        refusal = self.refusal()
        if refusal:
            self.refuse(403, refusal)

    def refuse(self, status: int, reason: str) -> None:
        """Answer with an error."""
        self.set_status(status)
        self.answer({"status": reason})

    def answer(self, fields: dict[str, Any]) -> None:
        """Answer with JSON."""
        self.set_header("Content-Type", "application/json")
        self.finish(answers.json_body(fields))

    def write_error(self, status_code: int, **_: Any) -> None:
        """Called by tornado."""
        reasons = {405: "the method is not allowed", 500: "unexpected error occurred"}
        self.answer({"status": reasons.get(status_code, "the request cannot be read")})

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Called by tornado; a client's mistake is nothing for the log."""
        if not isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)
