"""A handler for ABEJA Platform: what `handler` returns is the answer to a request."""

import json


def handler(request, context):
    """Greet whom the request names.

    Args:
        request: reads like a file, here one of JSON. `request["http_method"]`, `["headers"]` and `["contents"]` have
            the rest of the request.
        context: empty, in this version of the platform.

    Returns:
        The status, the content type and the content of the answer.
    """
    person = json.load(request)
    print("greeting", person["name"])  # goes to the log
    return {
        "status_code": 200,
        "content_type": "application/json",
        "content": {"greeting": "Hello, {}!".format(person["name"])},
    }
