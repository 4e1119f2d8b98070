"""The jobs with tornado's RequestHandler: what blocks runs in the default executor."""

import asyncio
import json
import logging
import sys
import time

from tornado.web import Application, RequestHandler, stream_request_body

PIECE = b"piece" + b"." * 1000


def answer(articles: list) -> dict:
    net = sum(article["price"] * article["quantity"] for article in articles)
    return {"total": round(net * 1.08, 2)}


class Health(RequestHandler):
    def get(self) -> None:
        self.write({"status": "ok"})


class Total(RequestHandler):
    def post(self) -> None:
        self.write(answer(json.loads(self.request.body)))


class Echo(RequestHandler):
    def post(self) -> None:
        self.set_header("Content-Type", "application/octet-stream")
        self.write(self.request.body)


@stream_request_body
class Length(RequestHandler):
    def prepare(self) -> None:
        self.size = 0
        self.request.connection.set_max_body_size(2 * 1024**3)

    def data_received(self, chunk: bytes) -> None:
        self.size += len(chunk)

    def post(self) -> None:
        self.write({"length": self.size})


class Slow(RequestHandler):
    async def post(self) -> None:
        await asyncio.to_thread(time.sleep, 0.2)
        self.write(answer(json.loads(self.request.body)))


class Burn(RequestHandler):
    async def post(self) -> None:
        await asyncio.to_thread(work)
        self.write(answer(json.loads(self.request.body)))


class Stream(RequestHandler):
    async def post(self) -> None:
        for _ in range(4):
            self.write(PIECE)
            await self.flush()
            await asyncio.sleep(0.05)
        self.write(PIECE)


def work() -> None:
    sum(number * number for number in range(25000))


async def main() -> None:
    logging.getLogger("tornado.access").setLevel(logging.WARNING)
    handlers = [Health, Total, Echo, Length, Slow, Burn, Stream]
    application = Application([(f"/{handler.__name__.lower()}", handler) for handler in handlers])
    application.listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
