"""Answers the mean colour of a picture. A handler of image version 18.10; needs nothing but its input."""


def handler(input_iter, context):
    """Yield the size and the mean colour of the picture in the request."""
    for picture in input_iter:
        if not hasattr(picture, "shape"):
            raise context.exceptions.InvalidInput("send a JPEG or PNG picture, no JSON")
        height, width, _ = picture.shape
        red, green, blue = picture.mean(axis=(0, 1))
        yield {"width": width, "height": height, "colour": "#%02x%02x%02x" % (int(red), int(green), int(blue))}
