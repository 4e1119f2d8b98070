"""The jobs with MLServer's custom handlers; its own protocol takes tensors only."""

import asyncio
import time

from fastapi import Request, Response
from mlserver import MLModel
from mlserver.handlers import custom_handler


def answer(articles: list) -> dict:
    net = sum(article["price"] * article["quantity"] for article in articles)
    return {"total": round(net * 1.08, 2)}


class Bench(MLModel):
    async def load(self) -> bool:
        return True

    @custom_handler(rest_path="/total")
    async def total(self, request: Request) -> dict:
        return answer(await request.json())

    @custom_handler(rest_path="/echo")
    async def echo(self, request: Request) -> Response:
        return Response(await request.body(), media_type="application/octet-stream")

    @custom_handler(rest_path="/length")
    async def length(self, request: Request) -> dict:
        size = 0
        async for piece in request.stream():
            size += len(piece)
        return {"length": size}

    @custom_handler(rest_path="/slow")
    async def slow(self, request: Request) -> dict:
        await asyncio.to_thread(time.sleep, 0.2)
        return answer(await request.json())

    @custom_handler(rest_path="/burn")
    async def burn(self, request: Request) -> dict:
        await asyncio.to_thread(work)
        return answer(await request.json())


def work() -> None:
    sum(number * number for number in range(25000))
