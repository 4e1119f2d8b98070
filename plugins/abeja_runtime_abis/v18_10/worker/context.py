"""The second argument of an 18.10 handler."""

from . import datatypes, exceptions


class Context(object):
    """What handlers reach as attributes of their context.

    Attributes:
        datatypes: a module with `Response`.
        exceptions: a module with `InvalidInput`.
    """

    datatypes = datatypes
    exceptions = exceptions
