"""The 18.10 handler ABI inside the worker: an iterator over the input in, results out.

Source: the vendor's page on 18.10 handlers, as far as it is known, and public handlers that were
written for it; docs/reference/handler-abi-18.10.md says what was decided where both are silent.
"""

from .adapter import Adapter

__all__ = ["Adapter"]
