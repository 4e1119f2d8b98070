"""Handlers of 19.04."""

import json

REPLY = {"status_code": 200, "content_type": "application/json", "content": "{}"}


def literal(request, context):
    if "http_method" not in request:
        return {"status_code": 400, "content_type": "application/json", "content": {"message": "wrong"}}
    return {"status_code": 200, "content_type": "application/json", "content": json.load(request)}


def computed(request, context):
    return dict(REPLY)


def reads(request, context):
    return [json.load(request)]


def subscripts(request, context):
    return [request["contents"]]


def lonely(request):
    yield request
