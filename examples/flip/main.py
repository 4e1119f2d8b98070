"""Mirrors a picture: JPEG or PNG in, JPEG out. Needs numpy, OpenCV and Pillow."""

import http
import io

import cv2
import numpy as np
from PIL import Image


def handler(request, context):
    """Answer the picture in the request's body with left and right exchanged."""
    data = np.frombuffer(request.read(), dtype=np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    mirrored = cv2.flip(picture, 1)

    answer = io.BytesIO()
    # OpenCV keeps blue first, Pillow red.
    Image.fromarray(cv2.cvtColor(mirrored, cv2.COLOR_BGR2RGB)).save(answer, format="JPEG")
    answer.seek(0)
    return {
        "status_code": http.HTTPStatus.OK,
        "content_type": "image/jpeg",
        "content": answer,
    }
