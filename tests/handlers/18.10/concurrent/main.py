"""Yields when as many requests as PARTY have come that far."""

import os
import threading

BARRIER = threading.Barrier(int(os.environ.get("PARTY", "2")))


def handler(input_iter, context):
    for value in input_iter:
        BARRIER.wait(15)
        yield value
