"""The paths of the console on the management port."""

from typing import Any

from abeja.runtime.server.console.console import Console
from abeja.runtime.server.console.handler import ConsoleHandler
from abeja.runtime.server.console.page import Page
from abeja.runtime.server.console.trial import Trial

PATH = "/console"


def routes(console: Console) -> list[tuple[str, type[ConsoleHandler], dict[str, Any]]]:
    """Paths and what answers them, for tornado's application."""
    given = {"console": console}
    return [
        (PATH, PageHandler, given),
        (f"{PATH}/facts", Facts, given),
        (f"{PATH}/live", Live, given),
        (f"{PATH}/try", Trial, given),
    ]


class PageHandler(ConsoleHandler):
    """The page itself: it holds nothing of the model, so a link from elsewhere may lead to it."""

    def refusal(self) -> str:
        """By the host alone."""
        return self.console.gate.refusal_of_host(self.request.headers)

    def get(self) -> None:
        """The document."""
        page = Page.load()
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", page.policy)
        self.finish(page.document)

    head = get


class Facts(ConsoleHandler):
    """What is served, as JSON."""

    async def get(self) -> None:
        """Once for each look at the page."""
        self.answer(await self.console.facts())


class Live(ConsoleHandler):
    """How it is doing, as JSON: asked every second while the page can be seen."""

    def get(self) -> None:
        """With the requests and the records of the log from two numbers on."""
        self.answer(self.console.live(requests_from=self._number("requests"), log_from=self._number("log")))

    def _number(self, name: str) -> int:
        text = self.get_query_argument(name, "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else -1
