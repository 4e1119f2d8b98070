"""Kits for tests: `HandlerClient` for authors of handlers, contract classes for authors of plugins.

pytest is needed to run the contract classes, and not to import this package.
"""

from abeja.runtime.testing.client import HandlerClient
from abeja.runtime.testing.handler_path.abeja_handler_testing import Answer

__all__ = ["Answer", "HandlerClient"]
