"""The paths of the console on the management port."""

from tornado.web import Application

from abeja.runtime.server.console.console import Console
from abeja.runtime.server.console.facts import Facts
from abeja.runtime.server.console.gate import Gate
from abeja.runtime.server.console.handler import ConsoleHandler
from abeja.runtime.server.console.page import Page
from abeja.runtime.server.console.trial import Trial


def application(console: Console) -> Application:
    """What answers the console's requests."""
    given = {"console": console, "gate": Gate.of(console.options.host, *console.options.console_hosts)}
    return Application(
        [
            ("/console/?", PageHandler, given),
            ("/console/facts", FactsHandler, {**given, "facts": Facts(console)}),
            ("/console/live", LiveHandler, given),
            ("/console/try", Trial, given),
        ],
        default_handler_class=NotFound,
        default_handler_args=given,
        log_function=lambda _: None,
    )


class PageHandler(ConsoleHandler):
    """The page itself: it holds nothing of the model, so a link from elsewhere may lead to it."""

    def refusal(self) -> str:
        """By the host alone."""
        return self.gate.refusal_of_host(self.request.headers)

    def get(self) -> None:
        """The document."""
        page = Page.load()
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", page.policy)
        self.finish(page.document)

    head = get


class FactsHandler(ConsoleHandler):
    """What is served, as JSON."""

    def initialize(self, console: Console, gate: Gate, facts: Facts) -> None:  # type: ignore[override]
        """Called by tornado."""
        super().initialize(console, gate)
        self._facts = facts

    async def get(self) -> None:
        """Once for each look at the page."""
        self.answer(await self._facts.fields())


class LiveHandler(ConsoleHandler):
    """How it is doing, as JSON: asked every second while the page can be seen."""

    def get(self) -> None:
        """With the requests and the records of the log from two numbers on."""
        self.answer(self.console.live(requests_from=self._number("requests"), log_from=self._number("log")))

    def _number(self, name: str) -> int:
        text = self.get_query_argument(name, "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else -1


class NotFound(ConsoleHandler):
    """Any other path below the console's."""

    SUPPORTED_METHODS = (*ConsoleHandler.SUPPORTED_METHODS, "POST")

    def get(self) -> None:
        """404, as elsewhere on the management port."""
        self.refuse(404, "not found")

    head = post = get
