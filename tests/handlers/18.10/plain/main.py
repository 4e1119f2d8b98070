"""Needs nothing but the standard library."""


def handler(input_iter, context):
    for value in input_iter:
        yield {"value": value}
        yield Response(["text", [1, 2]], metadata=[("X-Late", "not sent")])
