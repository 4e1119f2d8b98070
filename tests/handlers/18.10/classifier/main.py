"""Scales the picture as an image classifier does, and scores it by its mean colour."""

import numpy as np
from PIL import Image


def handler(_iter, ctx):
    for img in _iter:
        image = Image.fromarray(img).resize((2, 2))
        batch = np.transpose(np.asarray(image, dtype=np.float32) / 255, (2, 0, 1))[np.newaxis]
        red, green, blue = batch.mean(axis=(0, 2, 3))
        yield {"shape": list(img.shape), "red": float(red), "green": float(green), "blue": float(blue)}
