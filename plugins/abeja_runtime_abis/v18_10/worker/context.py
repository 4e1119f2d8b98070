"""The second argument of an 18.10 handler."""

from . import datatypes, exceptions
from .metrics import Metrics


class Context(object):
    """What handlers reach as attributes of their context.

    Attributes:
        datatypes: a module with `Response`.
        exceptions: a module with `InvalidInput`.
        metrics: counts and measures what the handler wants to be seen, see `Metrics`.
    """

    datatypes = datatypes
    exceptions = exceptions
    metrics = Metrics()
