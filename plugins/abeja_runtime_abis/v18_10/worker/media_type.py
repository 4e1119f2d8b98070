"""Media types of inputs."""

from typing import Optional

JSON = "application/json"
IMAGES = ("image/jpeg", "image/png")
VIDEOS = ("video/avi", "video/x-matroska", "video/quicktime", "video/mp4")
# What the vendor documents; `MediaType` knows more names for these.
SUPPORTED = (JSON, *IMAGES, *VIDEOS)

_ALIASES = {
    "image/jpg": "image/jpeg",
    "video/matroska": "video/x-matroska",
    "video/msvideo": "video/avi",
    "video/vnd.avi": "video/avi",
    "video/x-msvideo": "video/avi",
}


class UnsupportedMediaTypeError(Exception):
    """The request's Content-Type is of nothing that an 18.10 handler can be given."""


class MediaType(object):
    """A Content-Type header.

    Args:
        header: its value, None if there is none.

    Attributes:
        name: one of `SUPPORTED`.
        charset: the parameter, lower case, or None.

    Raises:
        UnsupportedMediaTypeError: it is of another type.
    """

    def __init__(self, header: Optional[str]) -> None:
        written, *parameters = (header or "").split(";")
        name = written.strip().lower()
        if name.startswith("application/") and name.endswith("+json"):
            name = JSON
        self.name = _ALIASES.get(name, name)
        if self.name not in SUPPORTED:
            found = "'%s'" % written.strip() if written.strip() else "none"
            raise UnsupportedMediaTypeError(
                "Content-Type: expected one of %s; found %s" % (", ".join(SUPPORTED), found)
            )
        pairs = [parameter.partition("=") for parameter in parameters]
        charsets = [value.strip().strip('"').lower() for key, _, value in pairs if key.strip().lower() == "charset"]
        self.charset: Optional[str] = charsets[0] if charsets else None
