"""The jobs with FastAPI, as its documentation advises: ``def`` for what blocks, ``async def`` for the rest."""

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse

PIECE = b"piece" + b"." * 1000

app = FastAPI()


def answer(articles: list[dict]) -> dict:
    net = sum(article["price"] * article["quantity"] for article in articles)
    return {"total": round(net * 1.08, 2)}


@app.get("/health")
async def health() -> dict:
    return {"status": "ok"}


@app.post("/total")
async def total(articles: list[dict]) -> dict:
    return answer(articles)


@app.post("/echo")
async def echo(request: Request) -> Response:
    return Response(await request.body(), media_type="application/octet-stream")


@app.post("/length")
async def length(request: Request) -> dict:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return {"length": size}


@app.post("/slow")
def slow(articles: list[dict]) -> dict:
    time.sleep(0.2)
    return answer(articles)


@app.post("/burn")
def burn(articles: list[dict]) -> dict:
    sum(number * number for number in range(25000))
    return answer(articles)


@app.post("/stream")
async def stream() -> StreamingResponse:
    return StreamingResponse(pieces(), media_type="application/octet-stream")


async def pieces() -> AsyncIterator[bytes]:
    for _ in range(4):
        yield PIECE
        await asyncio.sleep(0.05)
    yield PIECE
