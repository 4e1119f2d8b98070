"""What handlers reach as ``context.exceptions``."""


class InvalidInput(Exception):  # noqa: N818 (the name that handlers use)
    """The request is at fault: raised by a handler, it is answered 400 with the message."""
