"""The jobs with Starlette: ``def`` for what blocks, ``async def`` for the rest."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

PIECE = b"piece" + b"." * 1000


def answer(articles: list[dict]) -> JSONResponse:
    net = sum(article["price"] * article["quantity"] for article in articles)
    return JSONResponse({"total": round(net * 1.08, 2)})


async def health(request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def total(request: Request) -> JSONResponse:
    return answer(await request.json())


async def echo(request: Request) -> Response:
    return Response(await request.body(), media_type="application/octet-stream")


async def length(request: Request) -> JSONResponse:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return JSONResponse({"length": size})


async def slow(request: Request) -> JSONResponse:
    articles = json.loads(await request.body())
    await asyncio.to_thread(time.sleep, 0.2)
    return answer(articles)


async def burn(request: Request) -> JSONResponse:
    articles = json.loads(await request.body())
    await asyncio.to_thread(work)
    return answer(articles)


def work() -> None:
    sum(number * number for number in range(25000))


async def stream(request: Request) -> StreamingResponse:
    return StreamingResponse(pieces(), media_type="application/octet-stream")


async def pieces() -> AsyncIterator[bytes]:
    for _ in range(4):
        yield PIECE
        await asyncio.sleep(0.05)
    yield PIECE


app = Starlette(
    routes=[
        Route("/health", health),
        *(Route(f"/{job.__name__}", job, methods=["POST"]) for job in (total, echo, length, slow, burn, stream)),
    ]
)
