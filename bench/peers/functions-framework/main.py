"""The jobs as HTTP functions."""

import time
from collections.abc import Iterator

from flask import Request, Response

PIECE = b"piece" + b"." * 1000


def total(request: Request) -> dict:
    articles = request.get_json()
    net = sum(article["price"] * article["quantity"] for article in articles)
    return {"total": round(net * 1.08, 2)}


def echo(request: Request) -> Response:
    return Response(request.get_data(), mimetype="application/octet-stream")


def length(request: Request) -> dict:
    size = 0
    while piece := request.stream.read(65536):
        size += len(piece)
    return {"length": size}


def slow(request: Request) -> dict:
    time.sleep(0.2)
    return total(request)


def burn(request: Request) -> dict:
    sum(number * number for number in range(25000))
    return total(request)


def stream(request: Request) -> Response:
    return Response(pieces(), mimetype="application/octet-stream")


def pieces() -> Iterator[bytes]:
    for _ in range(4):
        yield PIECE
        time.sleep(0.05)
    yield PIECE
