"""Tests of handlers, in the handler's own process: from Python 3.6 on, with the standard library alone.

`abeja-runtime test` puts the folder that has this package on PYTHONPATH and says in a variable what to
test; so `HandlerClient()` needs no arguments there.

Example::

    from abeja_handler_testing import HandlerClient

    with HandlerClient() as client:
        answer = client.post(json=[{"price": 100, "quantity": 1}])
    assert answer.json() == {"total": 108.0}
"""

from .answer import Answer
from .client import Client
from .in_process import HandlerClient

__all__ = ["Answer", "Client", "HandlerClient"]
