"""Yields the kinds of results that the JSON input names."""

import itertools
import time


def counted(pieces, delay):
    for number in range(pieces):
        time.sleep(delay)
        yield {"number": number}


def endless():
    try:
        for number in itertools.count():
            yield b"x" * 10000
    finally:
        print("the generator was closed after", number)


def failing(context, pieces, delay=0):
    yield from counted(pieces, delay)
    time.sleep(delay)
    raise context.exceptions.InvalidInput("too late")


RESULTS = {
    "several": lambda context: [{"a": 1}, [1, 2], "text", 3, None, True],
    "pairs": lambda context: [[[1, 2], [3, 4]]],
    "nothing": lambda context: [],
    "bytes": lambda context: [b"\x00\xff", b"end"],
    "slow": lambda context: counted(3, 0.1),
    "endless": lambda context: endless(),
    "invalid": lambda context: failing(context, 0),
    "late": lambda context: failing(context, 1, 0.2),
    "lazy-invalid": lambda context: [Response(failing(context, 0))],
}


def handler(input_iter, context):
    for name in input_iter:
        yield from RESULTS[name](context)


def response(input_iter, context):
    """What a Response is made of comes as JSON."""
    for responses in input_iter:
        for contents, metadata in responses:
            yield context.datatypes.Response(contents, metadata=[tuple(pair) for pair in metadata])
