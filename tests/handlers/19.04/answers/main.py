"""Returns the kinds of answers that HTTP makes difficult; the request's path says which."""

import itertools
import time


def counted(pieces, delay):
    for number in range(pieces):
        time.sleep(delay)
        yield "%d" % number


def failing(pieces, delay):
    yield from counted(pieces, delay)
    raise ValueError("too late")


def endless():
    try:
        for number in itertools.count():
            yield b"x" * 10000
    finally:
        print("the generator was closed after", number)


def hanging():
    time.sleep(600)
    yield "never"


def patient():
    """More than sockets buffer, a little at a time."""
    for _ in range(100):
        yield b"p" * 100000


ANSWERS = {
    "/stream": lambda: {"content": counted(5, 0)},
    "/slow-stream": lambda: {"content": counted(3, 0.1)},
    "/failing-stream": lambda: {"content": failing(1, 0)},
    "/late-failing-stream": lambda: {"content": failing(3, 0.1)},
    "/endless": lambda: {"content": endless()},
    "/large-stream": lambda: {"content": (b"y" * 100000 for _ in range(50))},
    "/large": lambda: {"content_type": "application/octet-stream", "content": b"z" * 5000000},
    "/status": lambda: {"status_code": 42},
    "/informational": lambda: {"status_code": 101},
    "/header-name": lambda: {"metadata": {"bad name": "x"}},
    "/header-value": lambda: {"metadata": {"x-a": "a\r\nx-b: b"}},
    "/content-type": lambda: {"content_type": "text/plain\r\nx-evil: 1"},
    "/framing": lambda: {
        "content": "four",
        "metadata": {"Content-Length": "99", "transfer-encoding": "chunked", "Connection": "close", "x-kept": "1"},
    },
    "/no-content": lambda: {"status_code": 204, "content": "dropped"},
    "/reset": lambda: {"status_code": 205, "content": "dropped"},
    "/huge-header": lambda: {"metadata": {"x-huge": "h" * 100000}},
    "/not-modified": lambda: {"status_code": 304},
    "/teapot": lambda: {"status_code": 418, "content": "short and stout"},
    "/unicode": lambda: {"content": "x", "metadata": {"x-name": "名前"}},
    "/several": lambda: {"content": "x", "metadata": {"Set-Cookie": "a=1", "x-request-id": "mine"}},
    "/refused-stream": lambda: {"status_code": 42, "content": hanging()},
    "/patient": lambda: {"content": patient()},
    "/lazy": None,
}


def handler(request, context):
    if request["path"] == "/lazy":
        return {"content": (request.read(2) for _ in range(4))}
    return ANSWERS[request["path"]]()
