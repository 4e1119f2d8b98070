"""A handler for ABEJA Platform: what `handler` yields is the answer to a request."""


def handler(input_iter, context):
    """Greet whom the request names.

    Args:
        input_iter: the inputs of the request: a dict for JSON, an array of RGB pixels for an image, and for a video
            one dict with `image` for each frame.
        context: has `datatypes.Response` and `exceptions.InvalidInput`.

    Yields:
        The answer: a dict or a list becomes JSON.
    """
    for person in input_iter:
        if "name" not in person:
            raise context.exceptions.InvalidInput("the name is missing")  # the answer 400
        print("greeting", person["name"])  # goes to the log
        yield {"greeting": "Hello, {}!".format(person["name"])}
