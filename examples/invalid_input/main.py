"""Refuses a request that it cannot work on with 400 and the reason as JSON."""

import http
import json


def handler(request, context):
    """Answer the area of a rectangle, or 400 if the request does not describe one."""
    try:
        body = json.load(request)
        width, height = float(body["width"]), float(body["height"])
    except (ValueError, TypeError, KeyError) as error:
        print("refused: {!r}".format(error))
        return {
            "status_code": http.HTTPStatus.BAD_REQUEST,
            "content_type": "application/json",
            "content": {"message": "width and height must be numbers"},
        }
    return {
        "status_code": http.HTTPStatus.OK,
        "content_type": "application/json",
        "content": {"area": width * height},
    }
