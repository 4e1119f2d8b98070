"""Turns the picture around; Response is not imported, as in samples of that time."""

import io

from PIL import Image


def handler(input_iter, context):
    for image in input_iter:
        buffer = io.BytesIO()
        Image.fromarray(image[::-1]).save(buffer, format="JPEG")
        yield Response([buffer.getvalue()], metadata=[("Content-Type", "image/jpeg")])
