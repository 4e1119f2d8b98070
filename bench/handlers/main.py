"""The jobs as handlers of ABI 19.04: for abeja-runtime and for the original."""

import json
import time

PIECE = b"piece" + b"." * 1000


def total(request, context):
    """Answer the total of the articles, tax included."""
    articles = json.load(request)
    net = sum(article["price"] * article["quantity"] for article in articles)
    return {"content_type": "application/json", "content": {"total": round(net * 1.08, 2)}}


def echo(request, context):
    """Answer the body."""
    return {"content_type": "application/octet-stream", "content": [request.read()]}


def length(request, context):
    """Answer the length of the body, which is read in pieces."""
    size = 0
    piece = request.read(65536)
    while piece:
        size += len(piece)
        piece = request.read(65536)
    return {"content_type": "application/json", "content": {"length": size}}


def slow(request, context):
    """Block for 200 ms."""
    time.sleep(0.2)
    return total(request, context)


def burn(request, context):
    """Compute for about 2 ms."""
    sum(number * number for number in range(25000))
    return total(request, context)


def stream(request, context):
    """Answer five pieces, 50 ms apart."""
    return {"content_type": "application/octet-stream", "content": _pieces()}


def _pieces():
    for _ in range(4):
        yield PIECE
        time.sleep(0.05)
    yield PIECE
